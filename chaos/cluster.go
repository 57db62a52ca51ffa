//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A cluster is PostgreSQL as one runs it where a machine may be lost: a primary
// and a synchronous standby under Patroni, which agrees on who leads through
// etcd. Each has a loopback address of its own. docs/guarantees.md has the
// set-up for three machines, of which this is the small one: it has one etcd,
// one standby, and no passwords.
type cluster struct {
	etcd    *process
	members [2]*member
}

// A member is a Patroni and the PostgreSQL that it starts.
type member struct {
	*process
	addr, api, data string
}

// leaderTTL is how long a leader may be silent before the other takes over:
// Patroni's least.
const leaderTTL = 20

func startCluster(ctx context.Context, dir string) (*cluster, error) {
	bin, err := exec.CommandContext(ctx, "scripts/pgbin").Output()
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL's programs were not found: %w", err)
	}
	as, err := asPostgres()
	if err != nil {
		return nil, err
	}
	c := &cluster{}
	store, err := c.startEtcd(dir)
	if err != nil {
		return c, err
	}
	for i := range c.members {
		if c.members[i], err = newMember(dir, strings.TrimSpace(string(bin)), store, i+1, as); err != nil {
			return c, err
		}
		if err := c.members[i].start(); err != nil {
			return c, err
		}
	}
	return c, c.synchronous(ctx)
}

func (c *cluster) startEtcd(dir string) (addr string, err error) {
	if addr, err = freePort(); err != nil {
		return "", err
	}
	peer, err := freePort()
	if err != nil {
		return "", err
	}
	c.etcd = &process{name: "etcd", log: filepath.Join(dir, "etcd.log"), args: []string{
		"etcd", "--name", "e1", "--data-dir", filepath.Join(dir, "etcd"), "--listen-client-urls", "http://" + addr, "--advertise-client-urls", "http://" + addr,
		"--listen-peer-urls", "http://" + peer, "--initial-advertise-peer-urls", "http://" + peer, "--initial-cluster", "e1=http://" + peer,
	}}
	return addr, c.etcd.start()
}

const patroni = `
scope: wxnotify
name: pg%[1]d
restapi: {listen: "%[2]s", connect_address: "%[2]s"}
etcd3: {hosts: "%[3]s"}
bootstrap:
  dcs:
    ttl: %[4]d
    loop_wait: 5
    retry_timeout: 5
    synchronous_mode: true
    postgresql: {use_pg_rewind: true, parameters: {max_connections: 150, wal_log_hints: "on"}}
  initdb: [{encoding: UTF8}, {locale: C}, {auth: trust}]
  pg_hba: ["local all all trust", "host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"]
postgresql:
  listen: "%[5]s"
  connect_address: "%[5]s"
  data_dir: "%[6]s"
  bin_dir: "%[7]s"
  pgpass: "%[6]s.pass"
  authentication: {superuser: {username: wxnotify}, replication: {username: replicator}, rewind: {username: wxnotify}}
  parameters: {unix_socket_directories: "%[8]s", shared_buffers: 64MB}
`

func newMember(dir, bin, store string, i int, as *syscall.Credential) (*member, error) {
	host := fmt.Sprintf("127.0.0.1%d", i)
	m := &member{data: filepath.Join(dir, fmt.Sprintf("pg%d", i), "data")}
	for _, addr := range []*string{&m.addr, &m.api} {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			return nil, err
		}
		*addr = l.Addr().String()
		l.Close()
	}
	home := filepath.Dir(m.data)
	if err := owned(home, as); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, fmt.Sprintf("patroni%d.yml", i))
	text := fmt.Sprintf(patroni, i, m.api, store, leaderTTL, m.addr, m.data, bin, home)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	// A Patroni that is told to end takes its PostgreSQL along; killed, it leaves
	// it running.
	m.process = &process{name: fmt.Sprintf("pg%d", i), as: as, args: []string{"patroni", conf}, log: filepath.Join(dir, fmt.Sprintf("patroni%d.log", i)), death: syscall.SIGTERM}
	return m, nil
}

// A view is what a Patroni says of the cluster.
type view struct {
	Members []struct {
		Name, Role, State string
	}
}

// leader is the member that leads, and whether it waits for the other's disk.
func (c *cluster) leader(ctx context.Context) (leader *member, synchronous bool) {
	for i, m := range c.members {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.api+"/cluster", nil)
		if err != nil {
			continue
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue
		}
		var v view
		err = json.NewDecoder(resp.Body).Decode(&v)
		resp.Body.Close()
		if err != nil {
			continue
		}
		for _, x := range v.Members {
			switch {
			case x.Role == "leader" && x.State == "running" && x.Name == "pg"+strconv.Itoa(i+1):
				leader = m
			case x.Role == "sync_standby" && x.State != "stopped":
				synchronous = true
			}
		}
	}
	return leader, synchronous
}

// synchronous waits until there is a leader with a synchronous standby.
func (c *cluster) synchronous(ctx context.Context) error {
	return until(ctx, "a primary with a synchronous standby (see patroni*.log)", 3*time.Minute, func() bool {
		leader, ok := c.leader(ctx)
		return leader != nil && ok
	})
}

// dsn names both: whoever leads takes the writes.
func (c *cluster) dsn() string {
	return fmt.Sprintf("postgres://wxnotify@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write&connect_timeout=3", c.members[0].addr, c.members[1].addr)
}

// lose kills Patroni, PostgreSQL and its sessions all at once, as when a
// machine is lost.
func (m *member) lose() error {
	pid, err := m.postmaster()
	if err != nil {
		return err
	}
	sessions := childrenOf(pid)
	m.signal(syscall.SIGKILL)
	for _, p := range append([]int{pid}, sessions...) {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
	m.kill()
	return nil
}

func (m *member) postmaster() (int, error) {
	raw, err := os.ReadFile(filepath.Join(m.data, "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	return strconv.Atoi(first)
}

func childrenOf(pid int) (children []int) {
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil
	}
	for _, f := range strings.Fields(string(out)) {
		if p, err := strconv.Atoi(f); err == nil {
			children = append(children, p)
		}
	}
	return children
}

func (c *cluster) close() {
	for _, m := range c.members {
		if m == nil {
			continue
		}
		pid, err := m.postmaster()
		m.end(syscall.SIGTERM, 20*time.Second)
		if again, still := m.postmaster(); err == nil && still == nil && again == pid {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if c.etcd != nil {
		c.etcd.kill()
	}
}

// failovers loses the primary twice under load; in between what was lost comes
// back as the standby. It returns what it measured.
func (f *fleet) failovers(ctx context.Context, j *journal) (figures []string, err error) {
	for range 2 {
		if !rest(ctx, 15*time.Second) {
			return figures, errOver
		}
		if err := f.cluster.synchronous(ctx); err != nil {
			return figures, err
		}
		old, _ := f.cluster.leader(ctx)
		if old == nil {
			return figures, errors.New("the primary changed by itself")
		}
		j.write(Entry{Op: OpFault, Node: old.name, Text: "the primary's machine is lost"})
		lost := time.Now()
		if err := old.lose(); err != nil {
			return figures, err
		}
		for _, n := range f.nodes {
			c := f.client(n)
			took, err := followed(ctx, n.name, lost, func() bool {
				other, _ := f.cluster.leader(ctx)
				return other != nil && other != old && c.Ready(ctx) == nil
			})
			if err != nil {
				return figures, err
			}
			figures = append(figures, fmt.Sprintf("primary lost: %s ready at the new one after %.1f s", n.name, took.Seconds()))
		}
		first, err := f.acceptedAfter(ctx, j, lost)
		if err != nil {
			return figures, err
		}
		figures = append(figures, fmt.Sprintf("primary lost: first message accepted again after %.1f s", first.Sub(lost).Seconds()))
		j.write(Entry{Op: OpHealed, Node: old.name, Text: "the standby leads"})
		if err := old.start(); err != nil { // comes back as the standby
			return figures, err
		}
	}
	rest(ctx, 10*time.Second)
	return figures, f.cluster.synchronous(ctx)
}

// follows is how soon every node has to be at the new primary: Patroni's own
// time and ours. A node that takes longer has not come by itself.
const follows = time.Minute

// followed waits until a node is at the new primary, and says how long after the
// loss of the old one that was.
func followed(ctx context.Context, node string, lost time.Time, there func() bool) (time.Duration, error) {
	if err := until(ctx, node+" at the new primary", time.Until(lost.Add(follows)), there); err != nil {
		if ctx.Err() != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%s is not at the new primary %v after the old one was lost", node, follows)
	}
	return time.Since(lost), nil
}

// acceptedAfter is when the first message that was sent after then was accepted.
func (f *fleet) acceptedAfter(ctx context.Context, j *journal, then time.Time) (at time.Time, err error) {
	err = until(ctx, "a message accepted", 2*time.Minute, func() bool {
		entries := j.entries()
		sent := map[string]bool{}
		for i := len(entries) - 1; i >= 0 && entries[i].At.After(then); i-- {
			if entries[i].Op == OpSend {
				sent[entries[i].Mark] = true
			}
		}
		for _, e := range entries {
			// Right after the loss answers may still be on their way.
			if e.Op == OpAccepted && sent[e.Mark] && e.At.After(then.Add(time.Second)) {
				at = e.At
				return true
			}
		}
		return false
	})
	return at, err
}
