// Package deploy_test checks the packages without running them: containers and
// Kubernetes need what a test machine rarely has.
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
	"strings"
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

// Programs that check files, where they are installed.
func TestCheckers(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"systemd-analyze": {"verify", "--man=no", "wxnotify.service"},
		"haproxy":         {"-c", "-f", "haproxy.cfg"},
		"promtool":        {"check", "rules", "monitoring/alerts.yml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(name); err != nil {
				t.Skip("not installed")
			}
			out, err := exec.Command(name, args...).CombinedOutput()
			// The program is not at its place here, nor are the nodes.
			if err != nil && !strings.Contains(string(out), "is not executable: No such file") && !strings.Contains(string(out), "could not resolve address") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
