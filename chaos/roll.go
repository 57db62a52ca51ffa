//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// An upgrade is no fault: nothing is lost on the way, every node goes when it
// is asked to and comes back as another version. What is shown is that nobody
// notices: clients speak to one address, which is a haproxy with the
// configuration that stands in deploy/, and no request of theirs may fail.

// Rolled is the version that Options.Next has to say that it is.
const Rolled = "rolled"

const (
	balancing  = "deploy/haproxy.cfg"
	drainDelay = 5 * time.Second // as that file asks for
	goes       = drainDelay + 30*time.Second
)

// balance starts the balancer before all nodes.
func (f *fleet) balance(ctx context.Context, dir string) error {
	addr, err := freePort()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(balancing)
	if err != nil {
		return err
	}
	conf := strings.Replace(string(text), "bind :8080", "bind "+addr, 1)
	for i, n := range f.nodes {
		name := fmt.Sprintf("node%d", i+1)
		line := regexp.MustCompile(`(?m)^ +server ` + name + ` .*$`)
		if !line.MatchString(conf) {
			return fmt.Errorf("%s has no server %s", balancing, name)
		}
		conf = line.ReplaceAllString(conf, "    server "+name+" "+strings.TrimPrefix(n.url, "http://"))
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return err
	}
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // Debian's, which is not on everybody's PATH
	}
	f.front = &node{url: "http://" + addr, process: &process{name: "front", log: filepath.Join(dir, "haproxy.log"), args: []string{program, "-db", "-f", file}}}
	if err := f.front.start(); err != nil {
		return err
	}
	err = until(ctx, "haproxy (see "+f.front.log+")", time.Minute, func() bool {
		return !f.front.running() || client.New(f.front.url, "", client.Tries(1)).Ready(ctx) == nil
	})
	if err == nil && !f.front.running() {
		err = fmt.Errorf("haproxy does not run, see %s", f.front.log)
	}
	return err
}

// roll stops and starts one node after the other: first each as the next
// version, then each once more. As an operator should, it waits for a node to
// be ready before it takes the next one.
func (f *fleet) roll(ctx context.Context, next string) (figures []string, err error) {
	began, longest := time.Now(), time.Duration(0)
	for range 2 {
		for _, n := range f.nodes {
			if !rest(ctx, 3*time.Second) { // let the load go on in peace
				return nil, fmt.Errorf("the time is over before all %d nodes were upgraded and restarted: %w", len(f.nodes), ctx.Err())
			}
			away := time.Now()
			n.end(syscall.SIGTERM, goes)
			if code := n.exitCode(); code != 0 {
				return nil, fmt.Errorf("%s ended with %d when it was asked to (see %s)", n.name, code, n.log)
			}
			n.args[0] = next
			if err := n.start(); err != nil {
				return nil, err
			}
			if err := until(ctx, n.name+" (see "+n.log+")", time.Minute, func() bool {
				return client.New(n.url, "", client.Tries(1)).Ready(ctx) == nil
			}); err != nil {
				return nil, err
			}
			longest = max(longest, time.Since(away))
			if v, err := version(ctx, n.url); err != nil || v != Rolled {
				return nil, fmt.Errorf("%s is of version %q after its upgrade (%w)", n.name, v, err)
			}
		}
	}
	return []string{fmt.Sprintf("%d restarts of %d nodes in %.0f s, a node was away for at most %.1f s, %v of it draining",
		2*len(f.nodes), len(f.nodes), time.Since(began).Seconds(), longest.Seconds(), drainDelay)}, nil
}

// version is what a node says that it is.
func version(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/openapi.json", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var doc struct {
		Info struct{ Version string }
	}
	err = json.NewDecoder(resp.Body).Decode(&doc)
	return doc.Info.Version, err
}
