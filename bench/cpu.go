package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A usage is what a process has used so far. On systems without /proc it is
// zero, and the figures that need it are left out.
type usage struct {
	cpu time.Duration
	rss int64 // bytes, now
}

// tick is the unit of CPU time in /proc on all Linux systems in use.
const tick = 10 * time.Millisecond

// used reads one process's usage; with children its own and those that have
// ended, as long as somebody waited for them.
func used(pid int, children bool) usage {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}
	}
	// The name of the program may hold anything; it ends with the last ')'.
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(f) < 22 {
		return usage{}
	}
	number := func(i int) int64 {
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	ticks := number(11) + number(12)
	if children {
		ticks += number(13) + number(14)
	}
	return usage{cpu: time.Duration(ticks) * tick, rss: number(21) * int64(os.Getpagesize())}
}

// family reads the usage of a process and all its children, as of a database
// server that has one for each connection.
func family(pid int) usage {
	if pid == 0 {
		return usage{}
	}
	sum := used(pid, true)
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		raw, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(raw)) {
			if n, err := strconv.Atoi(field); err == nil {
				sum.cpu += used(n, false).cpu
			}
		}
	}
	return sum
}

// A meter measures a part: its time, and the CPU time of each process in it.
type meter struct {
	w                     *world
	began                 time.Time
	self, server, db, sim usage
}

func (w *world) meter() *meter {
	return &meter{w, time.Now(), used(os.Getpid(), false), w.serverUsage(), family(w.postmaster), used(w.sandbox.pid(), false)}
}

func (w *world) serverUsage() usage {
	if w.server == nil {
		return usage{}
	}
	return used(w.server.pid(), false)
}

// stop is the part's figure for n messages.
func (m *meter) stop(n int) Figure {
	took := time.Since(m.began)
	per := func(before, after usage) float64 {
		return float64((after.cpu - before.cpu).Microseconds()) / float64(n)
	}
	f := Figure{
		Messages: n, Seconds: took.Seconds(), PerSecond: float64(n) / took.Seconds(),
		SandboxCPU: per(m.sim, used(m.w.sandbox.pid(), false)), ClientCPU: per(m.self, used(os.Getpid(), false)),
		ServerCPU: per(m.server, m.w.serverUsage()), DatabaseCPU: per(m.db, family(m.w.postmaster)),
	}
	return f
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}

// parent is the process that started pid, if pid runs here and is called name.
func parent(pid int, name string) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || !bytes.Contains(raw, []byte("("+name+")")) {
		return 0
	}
	f := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	n, err := strconv.Atoi(f[1])
	if err != nil {
		return 0
	}
	return n
}
