package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wxnotify/wxnotify/store/storetest"
)

// The scripts in testdata are what people type, and what they see.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("NEXTWEEK", time.Now().Add(7*24*time.Hour).Format(time.RFC3339))
			e.Values[running{}] = &program{}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "mounts" { // somebody who is not root may make mounts of their own
				return exec.Command("unshare", "-rm", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %s", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": startCmd,
			"stop":  stopCmd,
			"crash": crashCmd,
			"taken": takenCmd,
			"disk":  diskCmd,
			"fill":  fillCmd,
			"postgres": func(ts *testscript.TestScript, _ bool, _ []string) { // an empty database, in $POSTGRES
				if os.Getenv(storetest.Variable) == "" {
					ts.Fatalf("%s is not set: run this by make test, or by scripts/withpostgres", storetest.Variable)
				}
				ts.Setenv("POSTGRES", storetest.Postgres(t))
			},
		},
	})
}

// A program is one of ours that runs beside a script.
type program struct {
	cmd  *exec.Cmd
	said chan string // its lines; closed at its end

	within []string // what it is started by
}

// startCmd runs a command of ours in the background until its output has a line
// with the first argument in it (the line is put into $LINE), and sets $API,
// $SANDBOX and $KEY from what a demo or the log of a server says.
//
//	start curl demo --listen 127.0.0.1:0
func startCmd(ts *testscript.TestScript, _ bool, args []string) {
	path := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "wxnotify")); err == nil {
			path = filepath.Join(dir, "wxnotify")
			break
		}
	}
	p := ts.Value(running{}).(*program)
	line := append(slices.Clone(p.within), path)
	line = append(line, args[1:]...)
	*p = program{cmd: exec.Command(line[0], line[1:]...), said: make(chan string, 1000), within: p.within}
	p.cmd.Dir, p.cmd.Env = ts.Getenv("WORK"), []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}
	out, err := p.cmd.StdoutPipe()
	ts.Check(err)
	p.cmd.Stderr = p.cmd.Stdout
	ts.Check(p.cmd.Start())
	ts.Defer(func() { _ = p.cmd.Process.Kill() })
	said := p.said
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			said <- s.Text()
		}
		close(said)
	}()
	p.await(ts, args[0])
}

// running is the key under which a script has its program.
type running struct{}

func (p *program) await(ts *testscript.TestScript, want string) {
	deadline := time.After(time.Minute)
	for {
		select {
		case line, ok := <-p.said:
			if !ok {
				ts.Fatalf("it ended without saying %q", want)
			}
			ts.Logf("%s", line)
			learn(ts, strings.Fields(line))
			if strings.Contains(line, want) {
				ts.Setenv("LINE", line)
				return
			}
		case <-deadline:
			ts.Fatalf("after a minute it has not said %q", want)
		}
	}
}

var listens = regexp.MustCompile(`"listen":"([^"]+)"`)

func learn(ts *testscript.TestScript, words []string) {
	if m := listens.FindStringSubmatch(strings.Join(words, " ")); m != nil {
		ts.Setenv("API", "http://"+m[1])
	}
	if len(words) < 2 {
		return
	}
	switch words[0] {
	case "API":
		ts.Setenv("API", strings.TrimSuffix(words[1], "/v1"))
	case "phone":
		ts.Setenv("SANDBOX", strings.TrimSuffix(words[1], "/"))
	case "key":
		ts.Setenv("KEY", words[1])
	}
}

// stopCmd stops the program with a signal and wants it to end with exit code 0.
//
//	stop TERM
func stopCmd(ts *testscript.TestScript, _ bool, args []string) {
	p := ts.Value(running{}).(*program)
	ts.Check(p.cmd.Process.Signal(map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}[args[0]]))
	for line := range p.said {
		ts.Logf("%s", line)
	}
	ts.Check(p.cmd.Wait())
}

// crashCmd ends the program as kill -9 does.
func crashCmd(ts *testscript.TestScript, _ bool, _ []string) {
	p := ts.Value(running{}).(*program)
	ts.Check(p.cmd.Process.Kill())
	for line := range p.said {
		ts.Logf("%s", line)
	}
	_ = p.cmd.Wait() // it says that it was killed
}

// diskCmd lets programs see a file system that is read-only, but for a folder on
// a disk of a given size. Both end with the script.
//
//	disk 6m data
func diskCmd(ts *testscript.TestScript, _ bool, args []string) {
	const mounts = `mount -t tmpfs -o size=$0 tmpfs "$1" && mount -o remount,bind,ro / && echo mounted && exec cat`
	holder := exec.Command("unshare", "-rm", "sh", "-c", mounts, args[0], ts.MkAbs(args[1]))
	in, err := holder.StdinPipe()
	ts.Check(err)
	out, err := holder.StdoutPipe()
	ts.Check(err)
	ts.Check(holder.Start())
	ts.Defer(func() {
		_ = in.Close()
		_ = holder.Wait()
	})
	_, err = bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Value(running{}).(*program).within = []string{
		"nsenter", "-t", strconv.Itoa(holder.Process.Pid), "-U", "-m", "--preserve-credentials", "sh", "-c", `cd "$0" && exec "$@"`, ts.Getenv("WORK"),
	}
}

// fillCmd fills the rest of a disk.
//
//	fill data
func fillCmd(ts *testscript.TestScript, _ bool, args []string) {
	line := append(slices.Clone(ts.Value(running{}).(*program).within), "sh", "-c", `! cat /dev/zero >>"$0/filler"`, ts.MkAbs(args[0]))
	out, err := exec.Command(line[0], line[1:]...).CombinedOutput()
	ts.Logf("%s", out)
	ts.Check(err)
}

// takenCmd takes a port and puts its address into $TAKEN.
func takenCmd(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv("TAKEN", l.Addr().String())
}
