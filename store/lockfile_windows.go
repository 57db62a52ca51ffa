package store

import (
	"os"

	"golang.org/x/sys/windows"
)

// The lock lies behind the content, so that others can read the pid.
func lockExclusive(f *os.File) error {
	o := &windows.Overlapped{Offset: 1 << 20}
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, o)
}
