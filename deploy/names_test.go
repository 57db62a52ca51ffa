package deploy_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wxnotify/wxnotify/server"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// port is the one that a server listens at when nobody says otherwise.
func port(t *testing.T) string {
	t.Helper()
	for _, s := range server.Settings() {
		if s.Flag == "listen" {
			return strings.TrimPrefix(s.Default, ":")
		}
	}
	t.Fatal("there is no setting listen")
	return ""
}

type service struct {
	Build       struct{ Context, Dockerfile string }
	DependsOn   any           `yaml:"depends_on"`
	Grace       time.Duration `yaml:"stop_grace_period"`
	Secrets     []string
	Volumes     []string
	Ports       []string
	Environment map[string]string
}

type composition struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
	Volumes  map[string]any
}

// What a compose file names is there: services, secrets, volumes, files, ports.
func TestComposeNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"compose.yaml", "compose.cluster.yaml"} {
		var c composition
		if err := yaml.Unmarshal([]byte(read(t, file)), &c); err != nil || len(c.Services) == 0 {
			t.Fatalf("%s: %v", file, err)
		}
		for name, s := range c.Services {
			for _, wrong := range c.missing(t, s) {
				t.Errorf("%s, service %s: %s", file, name, wrong)
			}
		}
		if strings.Contains(file, "cluster") {
			for _, m := range regexp.MustCompile(`(?m)^ *server \S+ (\S+):(\d+)$`).FindAllStringSubmatch(read(t, "haproxy.cfg"), -1) {
				if _, known := c.Services[m[1]]; !known || m[2] != port(t) {
					t.Errorf("haproxy.cfg sends to %s:%s", m[1], m[2])
				}
			}
		}
	}
}

func (c composition) missing(t *testing.T, s service) (wrong []string) {
	t.Helper()
	ours := s.Build.Dockerfile != ""
	if ours {
		if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	var after []string
	switch d := s.DependsOn.(type) {
	case []any:
		for _, name := range d {
			after = append(after, fmt.Sprint(name))
		}
	case map[string]any:
		for name := range d {
			after = append(after, name)
		}
	}
	for _, name := range after {
		if _, known := c.Services[name]; !known {
			wrong = append(wrong, "depends on "+name)
		}
	}
	for _, v := range s.Volumes {
		from, _, _ := strings.Cut(v, ":")
		_, known := c.Volumes[from]
		if _, err := os.Stat(from); !known && (err != nil || !strings.HasPrefix(from, ".")) {
			wrong = append(wrong, "mounts "+from)
		}
	}
	for _, name := range s.Secrets {
		if c.Secrets[name].File == "" {
			wrong = append(wrong, "has secret "+name)
		}
	}
	for name, value := range s.Environment {
		if secret, is := strings.CutPrefix(value, "/run/secrets/"); is && !slices.Contains(s.Secrets, secret) {
			wrong = append(wrong, name+" is in secret "+secret)
		}
	}
	for _, p := range s.Ports {
		if path.Base(strings.ReplaceAll(p, ":", "/")) != port(t) {
			wrong = append(wrong, "publishes "+p)
		}
	}
	if drain, _ := time.ParseDuration(s.Environment["WXNOTIFY_DRAIN_DELAY"]); ours && s.Grace < drain+20*time.Second {
		wrong = append(wrong, fmt.Sprintf("has %s to stop; calls in flight may take 20 s after %s", s.Grace, drain))
	}
	return wrong
}

type labels map[string]string

// in says whether a selector chooses what has these labels.
func (l labels) in(all labels) bool {
	for k, v := range l {
		if all[k] != v {
			return false
		}
	}
	return len(l) > 0
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

type workload struct {
	Kind string
	Spec struct {
		Selector any
		Ports    []struct {
			TargetPort string `yaml:"targetPort"`
		}
		Template struct {
			Metadata struct{ Labels labels }
			Spec     struct {
				Grace           int `yaml:"terminationGracePeriodSeconds"`
				SecurityContext struct {
					RunAsUser int `yaml:"runAsUser"`
				} `yaml:"securityContext"`
				Containers []struct {
					Args  []string
					Ports []struct {
						Name          string
						ContainerPort string `yaml:"containerPort"`
					}
					Env          []struct{ Name, Value string }
					VolumeMounts []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
					ReadinessProbe probe `yaml:"readinessProbe"`
					LivenessProbe  probe `yaml:"livenessProbe"`
				}
				Volumes []struct {
					Name   string
					Secret struct {
						SecretName string `yaml:"secretName"`
					}
				}
			}
		}
	}
}

// selector is what an object of any of our kinds chooses by.
func (w workload) selector() labels {
	l := labels{}
	m, _ := w.Spec.Selector.(map[string]any)
	if inner, deeper := m["matchLabels"].(map[string]any); deeper {
		m = inner
	}
	for k, v := range m {
		l[k] = fmt.Sprint(v)
	}
	return l
}

// What the Kubernetes file names is there: labels, ports, volumes, the secret's
// keys by the command above it, and the image's user.
func TestKubernetesNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	text := read(t, "kubernetes.yaml")
	var all []workload
	for d := yaml.NewDecoder(strings.NewReader(text)); ; {
		var w workload
		if err := d.Decode(&w); err != nil {
			break // TestEveryYAMLFileIsOne says if it is anything but the end
		}
		all = append(all, w)
	}
	if len(all) != 3 || all[0].Kind != "Deployment" {
		t.Fatalf("%d objects", len(all))
	}
	pod := all[0].Spec.Template.Spec
	c := pod.Containers[0]
	for _, w := range all {
		if !w.selector().in(all[0].Spec.Template.Metadata.Labels) {
			t.Errorf("%s chooses %v", w.Kind, w.selector())
		}
		for _, p := range w.Spec.Ports {
			if p.TargetPort != c.Ports[0].Name {
				t.Errorf("%s leads to port %s", w.Kind, p.TargetPort)
			}
		}
	}
	if c.Ports[0].ContainerPort != port(t) || c.ReadinessProbe.HTTPGet.Port != c.Ports[0].Name || c.LivenessProbe.HTTPGet.Port != c.Ports[0].Name {
		t.Errorf("ports: %+v", c)
	}
	if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || !slices.Equal(c.Args, []string{"serve"}) {
		t.Errorf("probes: %+v", c)
	}
	if user := fmt.Sprintf("\nUSER %[1]d:%[1]d\n", pod.SecurityContext.RunAsUser); !strings.Contains(read(t, "Dockerfile"), user) {
		t.Errorf("the Dockerfile has another user than %d", pod.SecurityContext.RunAsUser)
	}
	mount, volume := c.VolumeMounts[0], pod.Volumes[0]
	if mount.Name != volume.Name || !strings.Contains(text, "create secret generic "+volume.Secret.SecretName+" ") {
		t.Errorf("mount %+v, volume %+v", mount, volume)
	}
	for _, e := range c.Env {
		switch {
		case strings.HasSuffix(e.Name, "_FILE"):
			if path.Dir(e.Value) != mount.MountPath || !strings.Contains(text, "--from-literal="+path.Base(e.Value)+"=") {
				t.Errorf("%s is %s, which is in no secret", e.Name, e.Value)
			}
		case e.Name == "WXNOTIFY_DRAIN_DELAY":
			if drain, err := time.ParseDuration(e.Value); err != nil || time.Duration(pod.Grace)*time.Second < drain+20*time.Second {
				t.Errorf("%d s to stop; calls in flight may take 20 s after %s", pod.Grace, e.Value)
			}
		}
	}
}

// An instruction of a Dockerfile: its word, and what follows.
type instruction struct{ word, text string }

// stages are the instructions of a Dockerfile, from one FROM to the next.
func stages(t *testing.T, file string) (all [][]instruction) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(read(t, file), "\\\n", " ")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == "FROM":
			all = append(all, nil)
		case len(all) == 0:
			t.Fatalf("%s: %s stands before FROM", file, word)
		default:
			all[len(all)-1] = append(all[len(all)-1], instruction{word, rest})
		}
	}
	return all
}

// The Dockerfile copies from the sources what they have, takes a Go that they
// accept, stamps the version where the Makefile does, and shows the port.
func TestTheDockerfileNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	text := read(t, "Dockerfile")
	all := stages(t, "Dockerfile")
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	if wanted == nil || !strings.Contains(text, "\nFROM golang:"+wanted[1]+" ") {
		t.Errorf("go.mod wants %v", wanted)
	}
	for _, stamp := range []string{"-X github.com/wxnotify/wxnotify/server.version=", " ./cmd/wxnotify"} {
		if !strings.Contains(text, stamp) || !strings.Contains(read(t, "../Makefile"), stamp) {
			t.Errorf("%s is not in Dockerfile and Makefile", stamp)
		}
	}
	for _, i := range all[0] {
		for _, f := range strings.Fields(i.text) {
			if _, err := os.Stat(filepath.Join("..", f)); i.word == "COPY" && err != nil {
				t.Error(err)
			}
		}
	}
	if !slices.Contains(all[len(all)-1], instruction{"EXPOSE", port(t)}) {
		t.Errorf("it does not show port %s", port(t))
	}
}
