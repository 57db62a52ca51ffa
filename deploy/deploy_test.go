// Package deploy_test checks the packages. It runs what a Debian machine can;
// containers and Kubernetes need more, so of these it looks at the files alone.
package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/wxnotify/wxnotify/server"
)

func TestEveryYAMLFileIsOne(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d := yaml.NewDecoder(bytes.NewReader(text))
		for n := 0; ; n++ {
			var doc map[string]any // a key that occurs twice is an error
			err := d.Decode(&doc)
			if errors.Is(err, io.EOF) && n > 0 {
				break
			}
			if err != nil || len(doc) == 0 {
				t.Errorf("%s, document %d: %v", f, n+1, err)
				break
			}
		}
	}
}

var variable = regexp.MustCompile(`WXNOTIFY_[A-Z_]+`)

// A setting that is written wrongly would be no more than a warning.
func TestEverySettingOfThePackagesIsOne(t *testing.T) {
	t.Parallel()
	known := []string{"WXNOTIFY_CONFIG"}
	for _, s := range server.Settings() {
		known = append(known, s.Env())
		if s.Secret {
			known = append(known, s.Env()+"_FILE")
		}
	}
	seen := 0
	for _, f := range []string{"Dockerfile", "compose.yaml", "compose.cluster.yaml", "kubernetes.yaml", "wxnotify.service"} {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range variable.FindAllString(string(text), -1) {
			if seen++; !slices.Contains(known, v) {
				t.Errorf("%s: %s is no setting", f, v)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d settings were found", seen)
	}
}

// long is the run in which no checker may be missing: make static.
var long = os.Getenv("WXNOTIFY_LONG") == "1"

// run has a program check files.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name) // Debian's place for some, which is not on everybody's PATH
	}
	switch {
	case err != nil && long:
		t.Fatalf("%s is not installed", name)
	case err != nil:
		t.Skipf("%s is not installed; make static does that", name)
	}
	if out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// adapted is a copy of a file in which this machine has what is named: pairs of
// what stands there and what is to.
func adapted(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(pairs, 2) {
		if !bytes.Contains(text, []byte(pair[0])) {
			t.Fatalf("%s has no %q", file, pair[0])
		}
		text = bytes.ReplaceAll(text, []byte(pair[0]), []byte(pair[1]))
	}
	to := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestSystemdReadsTheUnit(t *testing.T) {
	t.Parallel()
	run(t, "systemd-analyze", "verify", "--man=no", adapted(t, "wxnotify.service", "/usr/local/bin/wxnotify", "/bin/true"))
}

func TestHaproxyReadsItsFile(t *testing.T) {
	t.Parallel()
	run(t, "haproxy", "-c", "-f", adapted(t, "haproxy.cfg", " node1:", " 127.0.0.1:", " node2:", " 127.0.0.1:", " node3:", " 127.0.0.1:"))
}
