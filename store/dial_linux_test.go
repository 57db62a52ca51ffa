package store_test

import (
	"net"
	"net/url"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// The first of two hosts is a machine that was lost: it answers nothing, for
// longer than a call may take. Calls reach the second: one of a few in a row, for
// on a busy machine a call may need longer for other reasons.
func TestCallsReachTheHostBehindASilentOne(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = silent(t) + "," + u.Host
	q := u.Query()
	q.Set("connect_timeout", "6")
	q.Set("target_session_attrs", "read-write")
	u.RawQuery = q.Encode()
	s := storetest.Open(t, u.String(), func(o *store.Options) { o.Patience = 5 * time.Second })
	for name, call := range map[string]func() error{
		"reading": func() error { _, err := s.Apps(t.Context()); return err },
		"writing": func() error { return s.Audit(t.Context(), wxnotify.AuditEntry{Actor: "somebody", Action: "a test"}) },
	} {
		err := call()
		for again := 0; err != nil && again < 3; again++ {
			err = call()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// silent is an address that nobody refuses and nobody answers: whoever listens
// there has as many callers waiting as fit.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	a, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(a.(*syscall.SockaddrInet4).Port))
	for range 100 {
		c, err := (&net.Dialer{Timeout: 300 * time.Millisecond}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("it answers everybody")
	return ""
}
