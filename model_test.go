package wxnotify

import (
	"fmt"
	"testing"
	"time"
)

// This is reliability.md 8.1: a small world in which everything that may go
// wrong does, in every order. One message, two permits, two nodes; nodes stand
// still, die, lose their lease, and come back with an answer that is too late;
// requests and answers are lost; somebody used a code before us; the deadline
// of the permits passes. The rules under test are the real ones: Next, Late
// and Overdue. What the store adds to them (who may claim, the guard of a
// settle, evidence by attempt) is written here in a few lines.
//
// The test also proves that it can see: each planted mistake turns it red.

// A mistake is one that others made, or that we might.
type mistake string

const (
	none            mistake = ""
	switchesPermits mistake = "switching permits while unsure"
	any41029        mistake = "any 41029 means delivered"
	writesAfter     mistake = "the attempt is recorded after the call"
	lapseFrees      mistake = "a lapsed lease frees the permit"
	refusesLate     mistake = "late evidence is refused"
	settlesBlindly  mistake = "a late settle without a guard"
	repeatsPayments mistake = "a payment is repeated like a form_id"
	callsStale      mistake = "no check of the lease before the call"
)

const maxAttempts = 4

// A scene is what the world begins with.
type scene struct {
	source   Source
	sameCode bool // both permits are uses of one code
	rival    bool // somebody else has used the first code
	onUnsure OnUnsure
}

// world is comparable: it is its own key among those that were seen.
type world struct {
	// WeChat and the phone
	used  [2]int // uses spent, per code
	cards int
	gone  bool // the permits' deadline has passed
	// the database
	state    State
	proof    Evidence
	other    bool // the next repeat takes another row of the same code
	permit   int  // bound to the message, -1: none
	permits  [2]PermitState
	attempts [maxAttempts]mAttempt
	n        int
	lease    bool // of the newest attempt
	// the nodes
	nodes   [2]node
	crashes int
	// what must not be forgotten
	told    bool // a node wrote down that WeChat answered 0
	expired bool // a call was started with a permit past its deadline
}

type mAttempt struct {
	permit  int
	outcome Kind
}

type node struct {
	doing   string // "": nothing, "claimed", "answered"
	attempt int
	permit  int
	last    bool
	again   bool // an earlier attempt was unresolved at the claim
	stale   bool // its lease was lost
	outcome Outcome
}

type model struct {
	scene
	planted mistake
	seen    map[world]bool
	wrong   string
}

func explore(s scene, m mistake) string {
	x := &model{scene: s, planted: m, seen: map[world]bool{}}
	w := world{state: Queued, permit: -1, permits: [2]PermitState{PermitFree, PermitFree}}
	if s.rival {
		w.used[0] = 1
	}
	x.visit(w)
	return x.wrong
}

func (x *model) visit(w world) {
	if x.wrong != "" || x.seen[w] {
		return
	}
	x.seen[w] = true
	if x.check(w); x.wrong != "" {
		return
	}
	for i := range w.nodes {
		switch w.nodes[i].doing {
		case "":
			x.claim(w, i)
		case "claimed":
			x.call(w, i)
		case "answered":
			x.settle(w, i)
		}
		if w.crashes < 2 && w.nodes[i].doing != "" {
			v := w
			v.nodes[i], v.crashes = node{}, w.crashes+1
			x.visit(v)
		}
	}
	if w.lease && w.state == Sending {
		x.lapse(w)
	}
	if !w.gone && !w.lease { // Margin is twenty times as long as a lease
		v := w
		v.gone = true
		for i := range v.nodes {
			v.nodes[i].stale = v.nodes[i].doing != ""
		}
		x.visit(v)
	}
}

// now is noon, or after the permits' deadline.
func (w world) now() time.Time {
	if w.gone {
		return noon.Add(8 * 24 * time.Hour)
	}
	return noon
}

func (x *model) code(permit int) int {
	if x.sameCode {
		return 0
	}
	return permit
}

func (x *model) try(w world, n node) Try {
	return Try{
		Message:    Message{Channel: Rules[x.source].Channel, OnUnsure: x.onUnsure, State: w.state, Evidence: w.proof, ExpiresAt: noon.Add(30 * 24 * time.Hour)},
		Attempt:    Attempt{Number: n.attempt + 1},
		Permit:     Permit{Source: x.source, GivenAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(24 * time.Hour)},
		LastUse:    n.last,
		Unresolved: n.again,
	}
}

// claim binds a permit and writes the attempt, in one transaction.
func (x *model) claim(w world, i int) {
	repeat := w.state == Unsure
	if w.n == maxAttempts || w.state != Queued && !repeat {
		return
	}
	p := w.permit
	switch {
	case repeat && x.planted == switchesPermits, repeat && w.other:
		p = w.free(x, repeat && w.other)
	case p < 0:
		p = w.free(x, false)
	}
	n := node{doing: "claimed", attempt: w.n, permit: p, again: repeat, last: x.lastUse(w, p)}
	switch {
	case p < 0 && repeat:
		w.apply(Overdue(x.try(w, n), w.now()), w.permit)
	case p < 0 || w.gone && !repeat:
		w.state = Failed
	case repeat && !x.try(w, n).Repeatable(w.now()):
		w.apply(Overdue(x.try(w, n), w.now()), p)
	default:
		w.state, w.lease, w.permit, w.other = Sending, true, p, false
		if w.permits[p] == PermitFree {
			w.permits[p] = PermitBound
		}
		w.attempts[w.n] = mAttempt{permit: p}
		w.n++
		if x.planted == writesAfter {
			w.state, w.lease, w.permit, w.permits[p], w.n = Queued, false, -1, PermitFree, w.n-1
			w.attempts[w.n] = mAttempt{}
		}
		w.nodes[i] = n
	}
	x.visit(w)
}

func (w world) free(x *model, same bool) int {
	for p, s := range w.permits {
		if s == PermitFree && !w.gone && (!same || x.sameCode) {
			return p
		}
	}
	return -1
}

func (x *model) lastUse(w world, p int) bool {
	switch {
	case p < 0:
		return false
	case x.planted == repeatsPayments, x.source == Form:
		return true
	case x.source == Payment && x.sameCode:
		return w.permits[1-p] == PermitUsed
	}
	return false
}

// call is everything that may become of a call that is about to be made.
func (x *model) call(w world, i int) {
	n := w.nodes[i]
	if n.stale && x.planted != callsStale {
		x.answer(w, i, Outcome{Kind: NotSent})
		return
	}
	w.expired = w.expired || w.gone
	x.answer(w, i, Outcome{Kind: NotSent}) // the dial failed
	x.answer(w, i, Outcome{Kind: Lost})    // the request did not arrive
	o := Outcome{Kind: Accepted}
	uses := 1
	if x.sameCode {
		uses = 2
	}
	switch c := x.code(n.permit); {
	case w.gone:
		o = invalid
	case w.used[c] >= uses:
		o = spent
	default:
		w.used[c]++
		w.cards++
	}
	x.answer(w, i, o)
	x.answer(w, i, Outcome{Kind: Lost}) // the answer did not arrive
}

func (x *model) answer(w world, i int, o Outcome) {
	w.nodes[i].doing, w.nodes[i].outcome = "answered", o
	x.visit(w)
}

// settle writes an outcome down: with the lease as the decision of Next,
// without it as evidence.
func (x *model) settle(w world, i int) {
	n := w.nodes[i]
	w.nodes[i] = node{}
	w.told = w.told || n.outcome.Kind == Accepted
	n.again = w.unresolved(n.attempt) // as it is now, not as it was at the claim
	if x.planted == any41029 && n.outcome.Errcode == 41029 {
		n.again, n.last = true, true
	}
	t := x.try(w, n)
	mine := w.state == Sending && w.n == n.attempt+1 && w.lease
	if x.planted == writesAfter {
		if mine = w.n < maxAttempts; mine {
			w.n++
		}
	}
	switch {
	case mine || x.planted == settlesBlindly:
		if n.attempt < w.n {
			w.attempts[n.attempt].outcome = n.outcome.Kind
		}
		w.apply(Next(t, n.outcome, w.now()), n.permit)
	case x.planted == refusesLate:
	case n.outcome.Kind == Lost: // nothing new
	default:
		w.attempts[n.attempt].outcome = n.outcome.Kind
		if s, ok := Late(t, n.outcome, w.now()); ok {
			w.apply(s, n.permit)
		}
	}
	x.visit(w)
}

// unresolved says whether an attempt but this one may have arrived.
func (w world) unresolved(but int) bool {
	for i, a := range w.attempts[:w.n] {
		if i != but && (a.outcome == Lost || a.outcome == KindInferred || a.outcome == "") {
			return true
		}
	}
	return false
}

// apply does what the store does with a step.
func (w *world) apply(s Step, permit int) {
	w.state, w.proof, w.other, w.lease = s.State, s.Evidence, s.Other, false
	if s.Infer {
		for i := range w.attempts[:w.n] {
			if w.attempts[i].outcome == Lost {
				w.attempts[i].outcome = KindInferred
			}
		}
	}
	if permit < 0 {
		return
	}
	switch w.permit = permit; s.Permit {
	case Free:
		w.permits[permit], w.permit = PermitFree, -1
	case Spend:
		w.permits[permit] = PermitUsed
	case Retain:
		w.permits[permit] = PermitHeld
	case Kill:
		if w.permits[permit], w.permit = PermitDead, -1; s.State == Unknown {
			w.permit = permit
		}
	}
}

// lapse: the lease is over, and nobody knows what became of the attempt.
func (x *model) lapse(w world) {
	k := w.n - 1
	n := node{attempt: k, permit: w.attempts[k].permit, again: w.unresolved(k)}
	n.last = x.lastUse(w, n.permit)
	for i := range w.nodes {
		if w.nodes[i].doing != "" && w.nodes[i].attempt == k {
			w.nodes[i].stale = true
		}
	}
	w.attempts[k].outcome = Lost
	s := Next(x.try(w, n), Outcome{Kind: Lost}, w.now())
	if x.planted == lapseFrees {
		s = Step{State: Queued, Permit: Free}
	}
	w.apply(s, n.permit)
	x.visit(w)
}

// check is what must hold in every world.
func (x *model) check(w world) {
	quiet := w.nodes == [2]node{}
	switch {
	case w.cards > 1 && (x.onUnsure == Hold || x.source == Form):
		x.fail(w, "the user got the card twice")
	case w.state == Sent && w.cards == 0 && !(x.rival && w.inferred()):
		// Somebody else's use of our code cannot be told from our own lost
		// one: that is the limit of the proof (contract.md, promise 4).
		x.fail(w, "called sent, and no card arrived")
	case w.state == Failed && w.cards > 0:
		x.fail(w, "called failed, and the card arrived")
	case quiet && w.told && w.state != Sent:
		x.fail(w, "WeChat said 0, and it was forgotten")
	case w.expired:
		x.fail(w, "a call was started with a permit past its deadline")
	case quiet && !x.rival && w.state.AtRest() && w.uses() < w.cards:
		x.fail(w, "a permit is free that was used")
	}
}

func (w world) inferred() bool {
	for _, a := range w.attempts {
		if a.outcome == KindInferred {
			return true
		}
	}
	return false
}

// uses counts the rows that are not to be had any more.
func (w world) uses() int {
	n := 0
	for _, p := range w.permits {
		if p != PermitFree {
			n++
		}
	}
	return n
}

func (x *model) fail(w world, what string) { x.wrong = fmt.Sprintf("%s: %+v in %+v", what, w, x.scene) }

var scenes = []scene{
	{source: Form, onUnsure: Hold},
	{source: Form, onUnsure: Hold, rival: true},
	{source: Form, onUnsure: Resend},
	{source: Payment, sameCode: true, onUnsure: Hold},
	{source: Payment, sameCode: true, onUnsure: Resend},
	{source: Subscribe, onUnsure: Hold},
}

func TestModelKeepsThePromises(t *testing.T) {
	t.Parallel()
	for _, s := range scenes {
		if wrong := explore(s, none); wrong != "" {
			t.Error(wrong)
		}
	}
}

func TestModelSeesEachMistake(t *testing.T) {
	t.Parallel()
	for _, m := range []mistake{switchesPermits, any41029, writesAfter, lapseFrees, refusesLate, settlesBlindly, repeatsPayments, callsStale} {
		seen := ""
		for _, s := range scenes {
			if seen = explore(s, m); seen != "" {
				break
			}
		}
		if seen == "" {
			t.Errorf("nothing is wrong with %s", m)
		}
		t.Logf("%s: %.60s", m, seen)
	}
}
