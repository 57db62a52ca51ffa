package bench

import (
	"os/exec"
	"syscall"
)

// dieWithUs ends the child when this process is killed.
func dieWithUs(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
