//go:build unix

package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// A node is one server behind its two proxies.
type node struct {
	*process
	url      string
	wechat   *proxy
	database *proxy // nil: SQLite

	busy sync.Mutex // held while the driver breaks it
}

// A fleet is everything that runs.
type fleet struct {
	sandbox  *process
	wx       *wechat
	postgres *postgres // nil: SQLite, or a cluster
	cluster  *cluster  // nil: none
	nodes    []*node
	front    *node // the balancer; nil: none
	ears     *ears // a webhook of messages; nil: none, and WeChat pushes no events
	env      []string
}

// key opens the servers' API. It guards nothing: everything is on loopback,
// for the length of a run.
var key = "chaos-" + digest("key", 12)

func digest(s string, n int) string {
	sum := sha256.Sum256([]byte("wxnotify chaos " + s))
	return hex.EncodeToString(sum[:n])
}

func startFleet(ctx context.Context, o Options) (f *fleet, err error) {
	f = &fleet{env: o.Env}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	f.sandbox = &process{name: "sandbox", args: []string{o.Binary, "sandbox", "--sandbox-listen", addr}, log: filepath.Join(o.Dir, "sandbox.log")}
	if err := f.sandbox.start(); err != nil {
		return nil, err
	}
	f.wx = newWeChat("http://" + addr)
	if err := until(ctx, "the sandbox", time.Minute, func() bool { return f.wx.call(ctx, "clock", nil, nil) == nil }); err != nil {
		return nil, err
	}
	if o.Tells {
		if f.ears, err = newEars(); err != nil {
			return nil, err
		}
	}
	dsn := "sqlite:" + filepath.Join(o.Dir, "wxnotify.db")
	switch o.Database {
	case Postgres:
		if f.postgres, err = startPostgres(ctx, o.Dir); err != nil {
			return nil, err
		}
	case Cluster:
		if f.cluster, err = startCluster(ctx, o.Dir); err != nil {
			return nil, err
		}
		dsn = f.cluster.dsn()
	}
	for i := range o.Nodes {
		n, err := f.newNode(o, i+1, dsn, addr)
		if err != nil {
			return nil, err
		}
		f.nodes = append(f.nodes, n)
		if err := n.start(); err != nil {
			return nil, err
		}
	}
	if err := f.ready(ctx); err != nil || o.Next == "" {
		return f, err
	}
	return f, f.balance(ctx, o.Dir)
}

func (f *fleet) newNode(o Options, number int, dsn, sandbox string) (*node, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	n := &node{url: "http://" + addr}
	if n.wechat, err = newProxy(sandbox); err != nil {
		return nil, err
	}
	if f.postgres != nil {
		if n.database, err = newProxy("127.0.0.1:" + f.postgres.port); err != nil {
			return nil, err
		}
		dsn = f.postgres.dsn(n.database.addr())
	}
	name := fmt.Sprintf("n%d", number)
	n.process = &process{
		name: name, log: filepath.Join(o.Dir, name+".log"), env: o.Env,
		args: []string{
			o.Binary, "serve", "--listen", addr, "--node", name, "--database", dsn, "--wechat-url", "http://" + n.wechat.addr(),
			"--api-key", key, "--master-key", digest("master", 32), "--log-level", "warn",
		},
	}
	if o.Next != "" {
		n.args = append(n.args, "--drain-delay", drainDelay.String())
	}
	if f.ears != nil {
		n.args = append(n.args, "--webhook-allow", "127.0.0.0/8", "--clock-url", "http://"+sandbox)
	}
	return n, nil
}

// ready waits until every server takes work.
func (f *fleet) ready(ctx context.Context) error {
	for _, n := range f.nodes {
		if err := until(ctx, n.name+" (see "+n.log+")", 2*time.Minute, func() bool {
			return client.New(n.url, "", client.Tries(1)).Ready(ctx) == nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// close ends everything, whatever state it is in.
func (f *fleet) close() {
	if f.front != nil {
		f.front.kill()
	}
	for _, n := range f.nodes {
		n.kill()
		n.wechat.close()
		if n.database != nil {
			n.database.close()
		}
	}
	if f.postgres != nil {
		f.postgres.end(syscall.SIGINT, 20*time.Second)
	}
	if f.cluster != nil {
		f.cluster.close()
	}
	if f.sandbox != nil {
		f.sandbox.kill()
	}
	if f.ears != nil {
		f.ears.close()
	}
}

// A place is an app in which things happen, with the names of its templates.
type place struct {
	app, template string
	prompt        string // a template to subscribe to; "": WeChat pushes no events
	users         []string
}

// settle makes the apps and their users, on both sides. WeChat pushes their
// events to the first server.
func (f *fleet) settle(ctx context.Context, apps, users int) (places []place, err error) {
	c := f.client(f.nodes[0])
	if f.ears != nil {
		if err := f.ears.open(ctx, c); err != nil {
			return nil, err
		}
	}
	for i := range apps {
		p := place{app: "wx" + digest(fmt.Sprint("app ", i), 8)}
		secret := digest("secret "+p.app, 16)
		for u := range users {
			p.users = append(p.users, fmt.Sprintf("o%sU%04d", p.app[2:10], u))
		}
		if p.template, err = f.wx.app(ctx, p.app, secret, p.users); err != nil {
			return nil, err
		}
		settings := client.AppSettings{Secret: &secret}
		if f.ears != nil {
			token, aes := digest("push token", 12), digest("push key", 22)[:43]
			settings.Callback = &client.CallbackSettings{Token: &token, EncodingAESKey: &aes}
			if p.prompt, err = f.wx.push(ctx, p.app, f.nodes[0].url+"/wechat/"+p.app, token, aes); err != nil {
				return nil, err
			}
		}
		if _, err := c.CreateApp(ctx, client.NewApp{ID: p.app, AppSettings: settings}); err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, nil
}

var transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}

// client speaks to one server, without repeats of its own.
func (f *fleet) client(n *node) *client.Client {
	return client.New(n.url, key, client.Tries(1), client.HTTPClient(&http.Client{Timeout: 4 * time.Second, Transport: transport}))
}

// any is a client of one of the servers, or of the balancer before them.
func (f *fleet) any(r *rand.Rand) (*node, *client.Client) {
	if f.front != nil {
		return f.front, client.New(f.front.url, key, client.Tries(1), client.HTTPClient(&http.Client{Timeout: time.Minute, Transport: transport}))
	}
	n := f.nodes[r.IntN(len(f.nodes))]
	return n, f.client(n)
}

// rest waits; it is false when the run is over.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

var errOver = errors.New("the run was ended")
