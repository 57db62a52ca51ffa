//go:build unix

package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// only leaves a test to make static, and says what that needs.
func only(t *testing.T) {
	t.Helper()
	if !long {
		t.Skip("runs with WXNOTIFY_LONG=1: make static")
	}
	if os.Getuid() != 0 {
		t.Fatal("make static needs root: for a folder that is all a program sees, and for a systemd in namespaces")
	}
}

// What the Dockerfile builds and copies is put into a folder, and what it says
// of user, settings and commands is done there: the program has nothing else
// around it, and may write to /data alone.
func TestTheImageServesFromScratch(t *testing.T) {
	t.Parallel()
	only(t)
	all := stages(t, "Dockerfile")
	if len(all) != 2 {
		t.Fatalf("%d stages", len(all))
	}
	out, root := t.TempDir(), t.TempDir()
	for _, i := range all[0] {
		if i.word == "RUN" && strings.Contains(i.text, "go build") {
			sh(t, "..", "VERSION=v1.2.3", strings.ReplaceAll(i.text, "/out", out))
		}
	}
	image := parse(t, all[1], out, root)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	image.env = append(image.env, "WXNOTIFY_LISTEN="+l.Addr().String())
	l.Close()

	var log bytes.Buffer
	server := image.command(t.Context(), slices.Concat(image.entry, image.start))
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for { // as Docker does, a little quicker
		said, err := image.command(t.Context(), image.health).CombinedOutput()
		if err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("%v\n%s", err, log.String())
		case <-t.Context().Done():
			t.Fatalf("it is not healthy: %s", said)
		case <-time.After(100 * time.Millisecond):
		}
	}
	if _, err := os.Stat(filepath.Join(root, "data", "wxnotify.db")); err != nil {
		t.Error(err)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	if said, err := image.command(t.Context(), slices.Concat(image.entry, []string{"version"})).Output(); err != nil || !strings.Contains(string(said), "v1.2.3") {
		t.Errorf("%v %s", err, said)
	}
}

// An image is a folder, and what is to be run in it.
type image struct {
	root                 string
	user                 *syscall.Credential
	env                  []string
	entry, start, health []string
}

func (i *image) command(ctx context.Context, args []string) *exec.Cmd {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = "/", i.env
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root, Credential: i.user}
	return c
}

// parse does what the instructions of the last stage say. What the first stage
// has built is in out.
func parse(t *testing.T, stage []instruction, out, root string) *image {
	t.Helper()
	i := &image{root: root}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	list := func(text string) (args []string) {
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return args
	}
	for _, x := range stage {
		words := strings.Fields(x.text)
		switch x.word {
		case "COPY":
			from, to := strings.Replace(words[len(words)-2], "/out", out, 1), root+words[len(words)-1]
			sh(t, root, "", "mkdir -p "+path.Dir(to)+" && cp -r "+from+" "+to)
			for _, w := range words {
				if owner, set := strings.CutPrefix(w, "--chown="); set {
					sh(t, root, "", "chown -R "+owner+" "+to)
				}
			}
		case "USER":
			if x.text != "65532:65532" { // as deploy/kubernetes.yaml says, too
				t.Fatalf("USER %s", x.text)
			}
			i.user = &syscall.Credential{Uid: 65532, Gid: 65532}
		case "ENV":
			i.env = append(i.env, words...)
		case "ENTRYPOINT":
			i.entry = list(x.text)
		case "CMD":
			i.start = list(x.text)
		case "HEALTHCHECK":
			_, args, _ := strings.Cut(x.text, " CMD ")
			i.health = list(args)
		case "VOLUME", "EXPOSE", "STOPSIGNAL":
		default:
			t.Fatalf("this test does not know %s", x.word)
		}
	}
	if i.user == nil || len(i.entry) == 0 || len(i.start) == 0 || len(i.health) == 0 {
		t.Fatalf("%+v", i)
	}
	return i
}

func sh(t *testing.T, dir, env, script string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-euc", script)
	c.Dir, c.Env = dir, append(os.Environ(), env)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// A systemd (scripts/withmachines) starts the unit by the commands in its first
// lines, starts it again when it is killed, and stops it cleanly.
func TestSystemdRunsTheUnit(t *testing.T) {
	t.Parallel()
	only(t)
	text, err := os.ReadFile("wxnotify.service")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(string(text)) {
		if c, is := strings.CutPrefix(line, "#   "); is {
			commands = append(commands, strings.TrimSpace(c))
		}
	}
	if len(commands) != 2 {
		t.Fatalf("%q", commands)
	}
	dir := t.TempDir()
	sh(t, "..", "", `go build -o "`+dir+`/wxnotify" ./cmd/wxnotify && cp deploy/wxnotify.service "`+dir+`"`)
	if err := os.WriteFile(filepath.Join(dir, "commands"), []byte(strings.Join(commands, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../scripts/withmachines")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), script, "", "sh", "-euc", unit)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

const unit = `
trap 'status=$?; [ $status = 0 ] || on 1 systemctl status --no-pager --lines 30 wxnotify || true; exit $status' EXIT
healthy() {
	for _ in $(seq 300); do
		on 1 wxnotify healthcheck --ready 2>/dev/null && return
		sleep 0.1
	done
	return 1
}
property() { on 1 systemctl show --property $1 --value wxnotify; }
on 1 sh -c 'cat >/root/wxnotify' <wxnotify
on 1 sh -c 'cat >/etc/systemd/system/wxnotify.service' <wxnotify.service
on 1 sh -euc "cd /root; $(cat commands)"
healthy
[ "$(on 1 stat -c %u /proc/$(property MainPID))" != 0 ]
[ "$(on 1 stat -c %a /var/lib/private/wxnotify/wxnotify.db.key)" = 600 ]
on 1 systemctl kill --signal KILL wxnotify
for _ in $(seq 300); do
	[ "$(property NRestarts)" = 0 ] || break
	sleep 0.1
done
healthy
[ "$(property NRestarts)" = 1 ]
on 1 systemctl stop wxnotify
[ "$(property Result)" = success ]
`
