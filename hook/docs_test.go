package hook

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

var update = flag.Bool("update", false, "write the tables of docs/ anew")

var (
	block = regexp.MustCompile("(?s)```(go|js|python)\n(.*?)```")
	table = regexp.MustCompile(`(?s)<!-- topics -->.*?\n\n`)
)

// The manual's table of events is drawn from wxnotify.Topics:
// go test ./hook -run ManualHas -update
func TestManualHasTheTopics(t *testing.T) {
	t.Parallel()
	for file, head := range map[string]string{"webhooks.md": "| type | told when |\n", "webhooks.zh-CN.md": "| 类型 | 触发时机 |\n"} {
		file = filepath.Join("..", "docs", file)
		want := "<!-- topics -->\n" + head + "|---|---|\n"
		for _, i := range wxnotify.Topics {
			text := i.En
			if strings.Contains(file, "zh") {
				text = i.Zh
			}
			want += fmt.Sprintf("| `%s` | %s |\n", i.Topic, text)
		}
		want += "\n"
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case table.FindString(string(got)) == want:
		case *update:
			if err := os.WriteFile(file, []byte(table.ReplaceAllLiteralString(string(got), want)), 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s does not have the events of wxnotify.Topics; run go test ./hook -run ManualHas -update", file)
		}
	}
}

// The receivers of the manual, as they stand there, take what we post and
// nothing else.
func TestTheManualsReceiversVerify(t *testing.T) {
	t.Parallel()
	en, zh := receivers(t, "webhooks.md"), receivers(t, "webhooks.zh-CN.md")
	if len(en) != 3 {
		t.Fatalf("%d receivers in the manual", len(en))
	}
	for kind, source := range en {
		if zh[kind] != source {
			t.Errorf("%s: the languages differ", kind)
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address := run(t, kind, source)
			g := home(t)
			p := post(address)
			until(t, kind+" listens", func() bool { return g.post(t.Context(), p, "").Fault == "" })
			for name, c := range map[string]struct {
				status int
				change func(p *wxnotify.Post)
			}{
				"a good one": {204, func(*wxnotify.Post) {}},
				"a secret replaced": {204, func(p *wxnotify.Post) {
					p.Hook.OldSecret, p.Hook.OldUntil, p.Hook.Secret = p.Hook.Secret, time.Now().Add(time.Hour), other
				}},
				"another's secret": {401, func(p *wxnotify.Post) { p.Hook.Secret = other }},
			} {
				p := post(address)
				c.change(p)
				if a := g.post(t.Context(), p, ""); a.Status != c.status {
					t.Errorf("%s: %+v", name, a)
				}
			}
		})
	}
}

var other = wxnotify.NewSecret("whsec_b3RoZXIgc2VjcmV0IG9mIDI0IGJ5dGVz")

func receivers(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", file))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// run starts a receiver and returns its address.
func run(t *testing.T, kind, source string) string {
	t.Helper()
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	free.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "receiver."+kind)
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	command := []string{map[string]string{"js": "node", "python": "python3"}[kind], file}
	if kind == "go" { // built here, so that it is this process's child
		command = []string{filepath.Join(dir, "receiver")}
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command[0], file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "PORT="+port, "WEBHOOK_SECRET="+secret)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return "http://127.0.0.1:" + port
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}
