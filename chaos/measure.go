//go:build unix

package chaos

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// Measure takes the figures of docs/guarantees.md that need processes. They are
// printed and not judged: a busy machine is no broken promise. What has to be
// true at any speed is an error.
func Measure(ctx context.Context, o Options, blocked int) error {
	journal, err := newJournal(filepath.Join(o.Dir, "journal.jsonl"))
	if err != nil {
		return err
	}
	defer journal.close()
	f, err := startFleet(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	places, err := f.settle(ctx, 5, 1)
	if err != nil {
		return err
	}
	t := &tail{wx: f.wx}
	follow, unfollow := context.WithCancel(ctx)
	defer unfollow()
	go func() { _ = t.run(follow) }() // an error shows when it is read below
	g := &gauge{o, f, t}
	if err := g.deadToken(ctx, places[0]); err != nil {
		return err
	}
	if err := g.isolation(ctx, places[1], places[2], blocked); err != nil {
		return err
	}
	if err := g.takeover(ctx, places[3], true); err != nil || len(f.nodes) == 1 {
		return err
	}
	return g.takeover(ctx, places[4], false)
}

type gauge struct {
	o Options
	f *fleet
	t *tail
}

func (g *gauge) say(format string, args ...any) {
	fmt.Fprintf(g.o.Out, "measured    "+format+"\n", args...)
}

// batch sends n messages with fresh form_ids; the ids come back by mark.
func (g *gauge) batch(ctx context.Context, p place, name string, n int) (ids map[string]string, err error) {
	codes, err := g.f.wx.give(ctx, Form, p.app, p.users[0], n)
	if err != nil {
		return nil, err
	}
	ids = map[string]string{}
	for len(codes) > 0 {
		var ms []client.NewMessage
		for _, code := range codes[:min(1000, len(codes))] {
			ms = append(ms, g.message(p, fmt.Sprintf("%s%07d", name, len(ids)+len(ms)), code))
		}
		codes = codes[len(ms):]
		results, err := client.New(g.f.nodes[0].url, key).SendBatch(ctx, ms)
		if err != nil {
			return nil, err
		}
		for i, r := range results {
			if r.Error != nil {
				return nil, r.Error
			}
			ids[ms[i].IdempotencyKey] = r.ID
		}
	}
	return ids, nil
}

func (g *gauge) message(p place, mark, code string) client.NewMessage {
	return client.NewMessage{
		App: p.app, To: p.users[0], TemplateID: p.template, FormID: code, IdempotencyKey: mark,
		Data: client.Data{"keyword1": {Value: mark}}, Meta: map[string]string{"mark": mark},
	}
}

// calls waits until every mark was called in a way, and says when first.
func (g *gauge) calls(ctx context.Context, ids map[string]string, counts func(Call) bool) (at map[string]time.Time, err error) {
	err = until(ctx, "calls", 5*time.Minute, func() bool {
		at = map[string]time.Time{}
		if err := g.t.read(ctx); err != nil {
			return false
		}
		for _, c := range g.t.snapshot() {
			if _, asked := ids[c.Mark]; !asked || !counts(c) {
				continue
			}
			if first, known := at[c.Mark]; !known || c.At.Before(first) {
				at[c.Mark] = c.At
			}
		}
		return len(at) == len(ids)
	})
	return at, err
}

// deadToken: a thousand calls find the same token dead; one renewal follows.
func (g *gauge) deadToken(ctx context.Context, p place) error {
	limit := 1000
	if _, err := g.f.client(g.f.nodes[0]).ChangeApp(ctx, p.app, client.AppSettings{MaxInFlight: &limit}); err != nil {
		return err
	}
	first, err := g.batch(ctx, p, "w", 100) // every node has a token in hand
	if err != nil {
		return err
	}
	effect := func(c Call) bool { return c.Effect }
	if _, err := g.calls(ctx, first, effect); err != nil {
		return err
	}
	before := g.t.fetched()
	if err := g.f.wx.call(ctx, "tokens/revoke", object{"appid": p.app}, nil); err != nil {
		return err
	}
	ids, err := g.batch(ctx, p, "d", 1000)
	if err != nil {
		return err
	}
	if _, err := g.calls(ctx, ids, effect); err != nil {
		return err
	}
	dead := 0
	for _, c := range g.t.snapshot() {
		if c.Errcode == 40001 {
			dead++
		}
	}
	n := g.t.fetched() - before
	g.say("a dead token: 1000 messages, %d calls refused with 40001, %d renewals", dead, n)
	if n != 1 {
		return fmt.Errorf("a dead token was renewed %d times", n)
	}
	return nil
}

// isolation: app A is paused with a backlog; how long does app B wait?
func (g *gauge) isolation(ctx context.Context, a, b place, blocked int) error {
	if _, err := g.f.client(g.f.nodes[0]).PauseApp(ctx, a.app, "all"); err != nil {
		return err
	}
	for i := 0; i < blocked; i += 20_000 {
		if _, err := g.batch(ctx, a, fmt.Sprintf("a%03d-", i/20_000), min(20_000, blocked-i)); err != nil {
			return err
		}
	}
	const n = 400
	codes, err := g.f.wx.give(ctx, Form, b.app, b.users[0], n)
	if err != nil {
		return err
	}
	ids, accepted := map[string]string{}, map[string]time.Time{}
	for i, code := range codes {
		mark := fmt.Sprintf("b%05d", i)
		m, err := g.f.client(g.f.nodes[i%len(g.f.nodes)]).Send(ctx, g.message(b, mark, code))
		if err != nil {
			return err
		}
		ids[mark], accepted[mark] = m.ID, time.Now()
		rest(ctx, 40*time.Millisecond)
	}
	at, err := g.calls(ctx, ids, func(c Call) bool { return c.Effect })
	if err != nil {
		return err
	}
	var waits []time.Duration
	for mark, t := range at {
		waits = append(waits, max(0, t.Sub(accepted[mark])))
	}
	g.say("app A is paused with %d messages; app B from accept to call, %d messages: %s", blocked, n, spread(waits))
	return nil
}

// takeover: a server dies with 200 calls under way. When are its messages sent
// again, by itself when it is back, or by another?
func (g *gauge) takeover(ctx context.Context, p place, back bool) error {
	if err := g.f.wx.fault(ctx, "slow", object{"appid": p.app, "delay_ms": 3000}); err != nil {
		return err
	}
	ids, err := g.batch(ctx, p, map[bool]string{true: "s", false: "g"}[back], 200)
	if err != nil {
		return err
	}
	rest(ctx, time.Second)
	n := g.f.nodes[0]
	n.kill()
	dead := time.Now()
	if err := g.f.wx.heal(ctx); err != nil {
		return err
	}
	if back {
		if err := n.start(); err != nil {
			return err
		}
	}
	var waits []time.Duration
	c := g.f.client(g.f.nodes[len(g.f.nodes)-1])
	repeated := map[string]string{} // of those that were on their way at the dead server
	for mark, id := range ids {
		m, err := g.atRest(ctx, c, id)
		if err != nil {
			return err
		}
		if len(m.Attempts) > 1 && strings.HasPrefix(m.Attempts[0].Node, n.name) {
			repeated[mark] = id
		}
	}
	at, err := g.calls(ctx, repeated, func(c Call) bool { return c.Fault == "" })
	if err != nil {
		return err
	}
	for _, t := range at {
		waits = append(waits, t.Sub(dead))
	}
	what := "does not come back, another takes over"
	if back {
		what = "is started again at once"
	}
	g.say("a server is killed with %d messages on their way and %s; until they are sent again: %s", len(waits), what, spread(waits))
	return nil
}

func (g *gauge) atRest(ctx context.Context, c *client.Client, id string) (m client.Message, err error) {
	waited := until(ctx, "a message at rest", 3*time.Minute, func() bool {
		m, err = c.Message(ctx, id)
		return err == nil && m.AtRest()
	})
	return m, waited
}

// spread is what a set of times looks like.
func spread(ds []time.Duration) string {
	if len(ds) == 0 {
		return "none"
	}
	slices.Sort(ds)
	at := func(p float64) time.Duration { return ds[int(p*float64(len(ds)-1))].Round(time.Millisecond) }
	return fmt.Sprintf("median %v, p99 %v, longest %v", at(0.5), at(0.99), at(1))
}
