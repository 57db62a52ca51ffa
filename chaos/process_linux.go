package chaos

import "syscall"

// dieWithParent ends the child when we die, however that happens.
func dieWithParent(a *syscall.SysProcAttr, by syscall.Signal) { a.Pdeathsig = by }
