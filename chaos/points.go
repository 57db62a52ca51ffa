//go:build unix

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Points are the places at which a server can be told to die, in a build with
// the tag faults: before and after the commit of what moves, also of WeChat's
// events and of notices for webhooks, and of the call. A test holds them against
// what the store does under this load.
var Points = func() (all []string) {
	for _, verb := range []string{
		"accept", "claim", "settle", "evidence", "deposit", "wake", "cancel", "resolve", "pause", "resume", "unpark",
		"save_a_token", "lease_a_renewal", "drop_a_token", "void", "sweep", "lapsed",
		"keep_events", "hear_events", "recall_events", "claim_notices", "settle_notices",
	} {
		all = append(all, verb+".before_commit", verb+".after_commit")
	}
	for _, verb := range []string{"accept", "claim", "settle", "evidence", "deposit"} {
		all = append(all, verb+".before_statement", verb+".after_statement")
	}
	return append(all, "call.before", "call.after")
}()

// FewPoints are those that guard most: around the commits that frame a call, an
// event of WeChat's and a notice.
var FewPoints = []string{
	"accept.after_commit", "claim.after_commit", "call.before", "call.after", "settle.before_commit", "evidence.before_commit", "save_a_token.after_commit",
	"keep_events.after_commit", "recall_events.before_commit", "settle_notices.before_commit",
}

// times says at which passages of a point to die. Tokens are fetched rarely, and
// an app whose tokens die more than five times in ten minutes is held back. To
// resolve there is only what has lost its answer just now.
func times(point string) []int {
	if aboutTokens(point) || strings.HasPrefix(point, "void") || strings.HasPrefix(point, "resolve") {
		return []int{1}
	}
	return []int{1, 3}
}

func aboutTokens(point string) bool {
	return strings.Contains(point, "token") || strings.Contains(point, "renewal")
}

// Exhaust goes through points: a server is started with one, gets a short
// load until it is dead, and is started again without. With PostgreSQL a second
// server goes on meanwhile. The whole record is checked at the end.
func Exhaust(ctx context.Context, o Options, points []string) (*Report, error) {
	o.Tells = true
	journal, err := newJournal(filepath.Join(o.Dir, "journal.jsonl"))
	if err != nil {
		return nil, err
	}
	defer journal.close()
	f, err := startFleet(ctx, o)
	if err != nil {
		return nil, err
	}
	defer f.close()
	places, err := f.settle(ctx, o.Apps, usersPerApp)
	if err != nil {
		return nil, err
	}
	t := &tail{wx: f.wx}
	follow, unfollow := context.WithCancel(ctx)
	defer unfollow()
	tailed := make(chan error, 1)
	go func() { tailed <- t.run(follow) }()
	if err := f.spoil(ctx, o.Seed); err != nil {
		return nil, err
	}
	// Of a subscription no lost answer is asked for again: WeChat's event tells.
	if err := f.wx.fault(ctx, "drop_response", object{"endpoint": "subscribe/send", "probability": 0.3, "seed": o.Seed}); err != nil {
		return nil, err
	}
	began := time.Now()
	report := &Report{Injuries: map[string]int{}}
	l := &loads{opt: o, fleet: f, places: places, tail: t}
	r := rand.New(rand.NewPCG(o.Seed, 2))
	for _, point := range points {
		for _, nth := range times(point) {
			died, err := l.passes(ctx, journal, r, point, nth)
			if err != nil {
				return nil, err
			}
			if report.Injuries[point]++; !died {
				report.Missed = append(report.Missed, fmt.Sprintf("%s:%d", point, nth))
			}
		}
	}
	report.Loaded, report.Errors = time.Since(began), l.sum.Errors
	if err := f.wx.heal(ctx); err != nil {
		return nil, err
	}
	return report, l.verdict(ctx, journal, t, report, unfollow, tailed)
}

// passes lets the first server die at a point. It is false when it did not.
func (l *loads) passes(ctx context.Context, j *journal, r *rand.Rand, point string, nth int) (died bool, err error) {
	f := l.fleet
	n := f.nodes[0]
	n.kill()
	plain := n.env
	n.env = append(slices.Clone(plain), fmt.Sprintf("WXNOTIFY_FAULT=%s:%d", point, nth))
	j.write(Entry{Op: OpFault, Node: n.name, Text: fmt.Sprintf("dies at %s:%d", point, nth)})
	err = n.start()
	n.env = plain
	if err != nil {
		return false, err
	}
	if aboutTokens(point) {
		for _, other := range f.nodes[1:] {
			j.write(Entry{Op: OpFault, Node: other.name, Text: "killed, or it would renew them"})
			other.kill()
		}
		for range 3 {
			if err := f.wx.call(ctx, "tokens/revoke", object{"appid": l.places[r.IntN(len(l.places))].app}, nil); err != nil {
				return false, err
			}
		}
	}
	b, err := l.start(true, false)
	if err != nil {
		return false, err
	}
	defer context.AfterFunc(ctx, b.stop)()
	err = until(ctx, point, 20*time.Second, func() bool { return !n.running() })
	died = err == nil
	b.stop()
	n.kill()
	for _, n := range f.nodes {
		j.write(Entry{Op: OpHealed, Node: n.name, Text: point})
		if err := n.start(); err != nil {
			return died, err
		}
	}
	if err := b.wait(); err != nil {
		return died, err
	}
	if ctx.Err() != nil {
		return died, errOver
	}
	return died, f.ready(ctx)
}
