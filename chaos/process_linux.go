package chaos

import "syscall"

// dieWithParent kills the child when we die, however that happens.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
