//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify/client"
)

// Measure takes the figures of docs/guarantees.md that need processes, prints
// all of them, and holds them against the limits that are promised. It is for a
// machine with nothing else to do: a busy one is no broken promise.
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
	places, err := f.settle(ctx, 7, 1)
	if err != nil {
		return err
	}
	t := &tail{wx: f.wx}
	follow, unfollow := context.WithCancel(ctx)
	defer unfollow()
	go func() { _ = t.run(follow) }() // an error shows when it is read below
	g := &gauge{o: o, f: f, t: t}
	if err := g.deadToken(ctx, places[0]); err != nil {
		return err
	}
	if err := g.paused(ctx, places[1], places[2], blocked); err != nil {
		return err
	}
	if err := g.hanging(ctx, places[5], places[6], blocked); err != nil {
		return err
	}
	if err := g.takeover(ctx, places[3], true); err != nil {
		return err
	}
	if len(f.nodes) > 1 {
		if err := g.takeover(ctx, places[4], false); err != nil {
			return err
		}
	}
	return errors.Join(g.over...)
}

// A gauge measures, and remembers what was over its limit.
type gauge struct {
	o    Options
	f    *fleet
	t    *tail
	over []error
}

// The limits of what is measured.
const (
	isolated  = time.Second      // from accept to call, beside an app that is blocked
	backAgain = 3 * time.Second  // until the same server sends again, its start included
	takenOver = 35 * time.Second // until another server does: a lease and a sweep
)

func (g *gauge) say(format string, args ...any) {
	fmt.Fprintf(g.o.Out, "measured    "+format+"\n", args...)
}

// hold says how long something took, and holds its p99 against a limit.
func (g *gauge) hold(limit time.Duration, waits []time.Duration, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	g.say("%s: %s", what, spread(waits))
	if p99 := quantile(waits, 0.99); len(waits) == 0 {
		g.over = append(g.over, fmt.Errorf("%s: nothing was measured", what))
	} else if p99 > limit {
		g.over = append(g.over, fmt.Errorf("%s: p99 %v, the limit is %v", what, p99.Round(time.Millisecond), limit))
	}
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
		g.over = append(g.over, fmt.Errorf("a dead token was renewed %d times, and once is promised", n))
	}
	return nil
}

// paused: app A is paused with a backlog; how long does app B wait?
func (g *gauge) paused(ctx context.Context, a, b place, blocked int) error {
	if err := g.pause(ctx, a); err != nil {
		return err
	}
	if err := g.backlog(ctx, a, "a", blocked); err != nil {
		return err
	}
	return g.isolation(ctx, b, "b", fmt.Sprintf("app A is paused with %d messages", blocked))
}

// hanging: no call of app A's is answered, and its backlog waits for that.
func (g *gauge) hanging(ctx context.Context, a, b place, blocked int) error {
	if err := g.f.wx.fault(ctx, "slow", object{"appid": a.app, "delay_ms": 600_000}); err != nil {
		return err
	}
	if err := g.backlog(ctx, a, "h", blocked); err != nil {
		return err
	}
	if err := g.isolation(ctx, b, "i", fmt.Sprintf("the calls of app A hang, with %d messages", blocked)); err != nil {
		return err
	}
	if err := g.pause(ctx, a); err != nil { // what follows is measured without it
		return err
	}
	return g.f.wx.heal(ctx)
}

func (g *gauge) pause(ctx context.Context, p place) error {
	_, err := g.f.client(g.f.nodes[0]).PauseApp(ctx, p.app, "all")
	return err
}

// backlog gives an app messages that will not go out.
func (g *gauge) backlog(ctx context.Context, p place, name string, n int) error {
	for i := 0; i < n; i += 20_000 {
		if _, err := g.batch(ctx, p, fmt.Sprintf("%s%03d-", name, i/20_000), min(20_000, n-i)); err != nil {
			return err
		}
	}
	return nil
}

// isolation says how long an app's messages take from accept to call.
func (g *gauge) isolation(ctx context.Context, b place, name, beside string) error {
	const n = 400
	codes, err := g.f.wx.give(ctx, Form, b.app, b.users[0], n)
	if err != nil {
		return err
	}
	ids, accepted := map[string]string{}, map[string]time.Time{}
	for i, code := range codes {
		mark := fmt.Sprintf("%s%05d", name, i)
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
	g.hold(isolated, waits, "%s; app B from accept to call, %d messages", beside, n)
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
	what, limit := "does not come back, another takes over", takenOver
	if back {
		what, limit = "is started again at once", backAgain
	}
	g.hold(limit, waits, "a server is killed with %d messages on their way and %s; until they are sent again", len(waits), what)
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
	at := func(p float64) time.Duration { return quantile(ds, p).Round(time.Millisecond) }
	return fmt.Sprintf("median %v, p99 %v, longest %v", at(0.5), at(0.99), at(1))
}

// quantile is the time within which the part p of them was; 0 of none.
func quantile(ds []time.Duration, p float64) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(ds))
	return sorted[int(p*float64(len(sorted)-1))]
}
