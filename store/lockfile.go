package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// lockFile keeps other processes off a SQLite file. The lock is on a file
// beside it, so that looking at the database with other tools stays possible;
// it goes with the process, however that ends.
func lockFile(path string) (io.Closer, error) {
	if dir := filepath.Dir(path); dir != "." {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockExclusive(f); err != nil {
		holder, _ := os.ReadFile(path + ".lock")
		f.Close()
		return nil, fmt.Errorf("%s is in use by another wxnotify process%s: stop it first, or talk to it over HTTP", path, pidOf(holder))
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return f, nil
}

func pidOf(b []byte) string {
	if pid := strings.TrimSpace(string(b)); pid != "" {
		return " (pid " + pid + ")"
	}
	return ""
}
