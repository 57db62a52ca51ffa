package token

import (
	"crypto/sha256"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// How far ahead of its end a token is renewed. Classic tokens live on for five
// minutes beside their successor, so any time will do; in stable mode it is
// only in the last five minutes that a call brings a new one (wechat-api.md 2).
const (
	classicAhead = 10 * time.Minute
	stableAhead  = 4*time.Minute + 30*time.Second
	spread       = 30 * time.Second // so that nodes do not come all at once
)

// spare is how long a token must be good for to be handed out.
const spare = 3 * time.Second

// A contention is more than maxDrops drops within contentionIn (virtual);
// while it lasts a drop is followed by a pause of slowly (real).
const (
	maxDrops     = 5
	contentionIn = 10 * time.Minute
	slowly       = time.Minute
)

// forceAgain and forcesADay are WeChat's limits on forced refreshes.
const (
	forceAgain = 30 * time.Second
	forcesADay = 20
)

// A hold is what this process knows of one app's token.
type hold struct {
	mu      sync.Mutex
	token   wxnotify.Token
	renewAt time.Time // virtual
	gone    int64     // generations up to this one are dead
	flight  *flight   // under way, if any

	failed     error     // what the last flight met
	fails      int       // in a row
	until      time.Time // real: so long failed is the answer to all
	failedWith wxnotify.Secret

	leased time.Time // real: the row's lease is ours until then

	forcedAt  time.Time // virtual
	forcedDay int64     // UTC+8
	forces    int       // on that day

	history []generation // oldest first
	alarmed time.Time    // virtual
}

// A generation is when (virtual) one was first seen here.
type generation struct {
	gen int64
	at  time.Time
}

func (h *hold) usable(t wxnotify.Token, now wxnotify.Now) bool {
	return !t.Value.IsZero() && t.Gen > h.gone && now.Virtual.Add(spare).Before(t.ExpiresAt)
}

// failing says whether callers get the last failure. New credentials are tried
// at once.
func (h *hold) failing(app wxnotify.App, now wxnotify.Now) bool {
	return h.failed != nil && now.Real.Before(h.until) && h.failedWith == app.Secret
}

// take makes t the token. Where WeChat gave the same one again, since it is too
// early for a successor, half of what is left is waited for.
func (h *hold) take(t wxnotify.Token, mode wxnotify.TokenMode, now wxnotify.Now) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed, h.fails = nil, 0
	ahead := stableAhead
	if mode == wxnotify.ClassicToken {
		ahead = classicAhead
	}
	life := max(t.ExpiresAt.Sub(now.Virtual), time.Second)
	jitter := min(spread, life/8)
	h.renewAt = t.ExpiresAt.Add(rand.N(jitter) - jitter/2 - min(ahead, life/2))
	h.token = t
	h.history = append(h.history, generation{t.Gen, now.Virtual})
}

// fail remembers a failure: a second, doubling up to a minute, or as long as
// the failure itself says.
func (h *hold) fail(err error, app wxnotify.App, now wxnotify.Now) {
	h.mu.Lock()
	defer h.mu.Unlock()
	wait := min(time.Second<<min(h.fails, 6), time.Minute)
	wait = wait/2 + rand.N(wait/2)
	if u, ok := err.(*unavailable); ok && u.wait > 0 {
		wait = u.wait
	}
	h.failed, h.failedWith, h.until = err, app.Secret, now.Real.Add(wait)
	h.fails++
}

// drop marks a generation as dead. first says that the row has to hear of it;
// alarm, that this is one drop too many.
func (h *hold) drop(app wxnotify.App, gen int64, now wxnotify.Now) (first, alarm bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if gen <= h.gone || gen < h.token.Gen {
		return false, false
	}
	h.gone = gen
	if h.dropsUpTo(gen, now.Virtual) <= maxDrops {
		return true, false
	}
	h.failed, h.failedWith, h.until = errContention, app.Secret, now.Real.Add(slowly)
	alarm = h.alarmed.IsZero() || now.Virtual.Sub(h.alarmed) >= contentionIn
	if alarm {
		h.alarmed = now.Virtual
	}
	return true, alarm
}

// dropsUpTo counts the drops of the last while, those of other nodes included:
// each made a generation. A planned renewal now and then does not matter.
func (h *hold) dropsUpTo(gen int64, now time.Time) int64 {
	for len(h.history) > 1 && now.Sub(h.history[1].at) >= contentionIn {
		h.history = h.history[1:]
	}
	if len(h.history) == 0 {
		return 1
	}
	return gen - h.history[0].gen + 1
}

// isDead says whether a value that was just fetched is the one dropped before.
// The row may not have heard of the drop yet, and still hold the value.
func (h *hold) isDead(value wxnotify.Secret, row wxnotify.Token) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sha256.Sum256([]byte(value.Reveal())) == row.Dead || (value == row.Value && row.Gen <= h.gone)
}

// mayForce counts a forced refresh, or says how long WeChat would not obey.
func (h *hold) mayForce(now time.Time) (wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	const day = 24 * 60 * 60
	local := now.Unix() + 8*60*60
	if h.forcedDay != local/day {
		h.forcedDay, h.forces = local/day, 0
	}
	switch since := now.Sub(h.forcedAt); {
	case since < forceAgain:
		return forceAgain - since
	case h.forces >= forcesADay:
		return min(15*time.Minute, time.Duration(day-local%day)*time.Second)
	}
	h.forcedAt = now
	h.forces++
	return 0
}
