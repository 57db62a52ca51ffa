package sandbox

import (
	"time"
)

// world is everything that Reset forgets. Its methods expect the lock of the
// sandbox to be held and take the time as an argument.
type world struct {
	generation int // which world this is; a reset makes the next one
	offset     time.Duration
	moves      uint64 // how often the clock was moved

	apps   []*app
	byID   map[string]*app
	tokens map[string]*token
	codes  expiring[*code]
	forms  expiring[*form]
	faults []*fault
	nextID int // of faults

	cards    journal[*card]
	requests journal[*record]
	events   journal[*Event]
	msgid    int64
	due      []push // to be handed to the pushers
}

func newWorld(o Options, generation int) *world {
	w := &world{
		generation: generation,
		byID:       map[string]*app{},
		tokens:     map[string]*token{},
		cards:      journal[*card]{max: o.MaxCards},
		requests:   journal[*record]{max: o.MaxRequests},
		events:     journal[*Event]{max: o.MaxRequests},
		msgid:      firstMsgid,
	}
	w.seed()
	return w
}

// app is one mini program.
type app struct {
	id, secret, era string
	callback        *Callback
	users           []*user
	byOpenid        map[string]*user
	templates       []*template
	byTemplate      map[string]*template
	quotas          map[string]*quota

	classic      []*token // at most two: the newest last
	stable       []*token
	issued       []*token // all that are remembered, oldest first
	forced       forced
	stableMinute tally // stable_token calls in this minute
	clears       tally // clear_quota calls in this month

	backlog []push // events that wait for a pusher
	pushers int
}

// user is one person, as one mini program sees them.
type user struct {
	openid, nickname string
	consents         map[string]*consent // by subscribe template
	refused          bool                // refuses the app's classic messages
	logins           tally               // exchanged codes in this minute
	busy             bool                // a subscribe send is held up by a slow fault
}

// template is one entry of "my templates", of either era.
type template struct {
	id, channel, kind, title string
	keywords                 []Keyword
	examples                 []string
}

// tally counts within a period: a day, a minute, a month.
type tally struct {
	period int64
	count  int
}

// add counts one more in the period and returns the new count.
func (t *tally) add(period int64) int {
	if t.period != period {
		*t = tally{period: period}
	}
	t.count++
	return t.count
}

// in returns the count in the period.
func (t *tally) in(period int64) int {
	if t.period != period {
		return 0
	}
	return t.count
}

// quotaDay is the day of t in UTC+8, where WeChat's quotas live.
func quotaDay(t time.Time) int64 { return (t.Unix() + 8*3600) / 86400 }

func quotaMonth(t time.Time) int64 {
	y, m, _ := t.UTC().Add(8 * time.Hour).Date()
	return int64(y)*12 + int64(m)
}
