package wxnotify

import (
	"slices"
	"time"
)

// A Kind is what became of a call. It is never an error of ours.
type Kind string

// The kinds of outcomes. KindInferred is never an answer: a lost attempt
// becomes it when a repeat with the same code hears "already used".
const (
	Accepted     Kind = "accepted"
	Refused      Kind = "refused"
	NotSent      Kind = "not_sent" // not a byte of the request left us
	Lost         Kind = "lost"     // it may have arrived
	KindInferred Kind = "inferred"
)

// An Outcome is what a call came to, with what WeChat said.
type Outcome struct {
	Kind    Kind
	Errcode int
	Errmsg  string
	RID     string
	MsgID   string  // WeChat's 64-bit id in decimal
	Verdict Verdict // of a refusal
	Said    bool    // WeChat answered with an errcode
}

// An Action is what an errcode asks of us.
type Action string

// The actions.
const (
	Repeat     Action = "repeat"      // later, with any permit
	SlowDown   Action = "slow_down"   // like Repeat, and fewer calls a second
	NewToken   Action = "new_token"   // renew, and repeat
	NextPermit Action = "next_permit" // this code is dead
	CloseBooks Action = "close_books" // the user has nothing left for this template
	Fail       Action = "fail"
	Halt       Action = "halt" // the message waits for the paused part of the app
)

// A Part is what a pause stops: it is the unit app × part.
type Part string

// The parts. PartTemplateID stands for the one template of the message.
const (
	PartAll        Part = "all"
	PartChannel    Part = "channel"
	PartSource     Part = "source"
	PartTemplateID Part = "template_id"
)

// A Verdict is one line of the errcode table, as far as rules need it.
type Verdict struct {
	Do     Action
	Reason Reason        // of a message that fails for it
	Cause  Cause         // of the permit's death
	Part   Part          // what is paused, of the app; "": nothing. By NewToken only if the new token does not help.
	For    time.Duration // of a pause; 0: until an operator resumes it; UntilMidnight
}

// UntilMidnight as the length of a pause means the next midnight in UTC+8,
// when WeChat's daily quotas start anew (assumed: wechat-api.md 13, point 3).
const UntilMidnight time.Duration = -1

// A Fate is what becomes of the permit of an attempt.
type Fate string

// The fates.
const (
	Keep   Fate = "keep" // stays bound to this message
	Free   Fate = "free" // back into the ledger
	Spend  Fate = "used" // it was used
	Retain Fate = "held" // an answer is missing
	Kill   Fate = "dead" // with every free row of the same code
)

// A Try is one attempt with all that the rules want to know of it.
type Try struct {
	Message    Message
	Attempt    Attempt
	Permit     Permit
	LastUse    bool // the code has exactly this use left at WeChat
	Unresolved bool // an earlier attempt of this message was lost
	Events     bool // a sent event can come: the app's callback was seen working

	// Heard is what WeChat answered to earlier attempts of this message with
	// this permit. It is known of a permit that is Young; of others it is not asked.
	Heard []int

	Start time.Time // real: the call does not start before; zero: it may at once
}

// A Step is what Next decided.
type Step struct {
	State    State
	Reason   Reason
	Evidence Evidence
	Permit   Fate
	Cause    Cause         // of the permit's death
	Books    bool          // the free permits of this user and template that were given before the attempt started are dead as well
	Wait     time.Duration // at least, from now, in real time
	Spread   time.Duration // plus a random part of this
	Hold     time.Duration // in state Unsure: do not repeat, wait so long for evidence (on the virtual clock)
	Other    bool          // in state Unsure: repeat with another row of the same code
	Infer    bool          // the earlier lost attempt did arrive
	Tries    int           // of the message, from now on
	Pause    Part          // pause this part of the app
	PauseFor time.Duration
	Slow     bool // call less often
}

// Patience is how long an unsure subscribe message waits for WeChat's sent
// event (contract.md, promise 5).
const Patience = 15 * time.Minute

// youth is how old a code may be for 41028 to mean "not yet"
// (wechat-api.md 3.3: a fresh code may be unknown for a few seconds).
const youth = time.Minute

// Young says that WeChat may not know the permit's code yet.
func (p Permit) Young(now time.Time) bool {
	return Rules[p.Source].Code && now.Sub(p.GivenAt) < youth
}

// Backoff is the ceiling of the n-th wait: 1 s, doubling, at most 5 minutes.
// The wait itself is a random part of it.
func Backoff(n int) time.Duration {
	if n > 8 {
		return 5 * time.Minute
	}
	return min(time.Second<<max(n, 0), 5*time.Minute)
}

// Next decides what becomes of a message after the outcome of an attempt.
// Together with Late it is the only place that does. now is the virtual time.
//
// A lost answer may hide a delivery. It is repeated only with a permit that
// WeChat would refuse the second time; otherwise we wait for WeChat's own word.
func Next(t Try, o Outcome, now time.Time) Step {
	switch o.Kind {
	case Accepted:
		return Step{State: Sent, Evidence: Answered, Permit: Spend, Tries: t.Message.Tries}
	case NotSent:
		// The app's in-flight limit sets the pace here, not the message.
		s := t.again(t.Message.Tries)
		s.Spread = time.Second
		s.Pause, s.PauseFor = o.Verdict.Part, o.Verdict.For
		return s
	case Lost:
		return t.lost(now)
	default:
		return t.refused(o, now)
	}
}

// again repeats what is proved not to have arrived. Lost answers of earlier
// attempts keep their permit.
func (t Try) again(tries int) Step {
	s := Step{State: Queued, Permit: Free, Spread: Backoff(t.Attempt.Number - 1), Tries: tries}
	if t.Message.Fixed {
		s.Permit = Keep
	}
	if t.Unresolved {
		s.State, s.Permit = Unsure, Retain
	}
	return s
}

// lost is the heart of promise 4: the same permit, the same bytes, until
// WeChat answers, as long as WeChat itself would refuse a second delivery.
func (t Try) lost(now time.Time) Step {
	s := Step{State: Unsure, Permit: Retain, Tries: t.Message.Tries}
	switch {
	case t.LastUse && t.timeLeft(now):
		s.Spread = Backoff(t.Attempt.Number - 1)
	case t.Message.OnUnsure == Resend && t.Permit.Source == Payment && !t.LastUse && t.timeLeft(now):
		s.Other = true
	case t.Message.Channel == ChannelSubscribe && (t.Events || t.Message.OnUnsure == Resend):
		s.Hold = Patience
	default:
		return t.unknown()
	}
	return s
}

// timeLeft says whether a repeat may still be started.
func (t Try) timeLeft(now time.Time) bool {
	end := t.Permit.ExpiresAt
	return now.Before(t.Message.ExpiresAt) && (end.IsZero() || now.Before(end.Add(-Margin)))
}

// unknown ends a message without evidence. Late evidence, or an operator, may
// still change it.
func (t Try) unknown() Step {
	return Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved, Tries: t.Message.Tries}
}

func (t Try) refused(o Outcome, now time.Time) Step {
	v := o.Verdict
	if t.Unresolved {
		return t.refusedRepeat(o, now)
	}
	switch v.Do {
	case Repeat, SlowDown, NewToken:
		// A new token was tried before this came back.
		s := t.again(t.Message.Tries + 1)
		s.Slow, s.Pause, s.PauseFor = v.Do == SlowDown, v.Part, v.For
		if s.Tries > MaxTries {
			return t.fail(ReasonAttempts)
		}
		return s
	case NextPermit:
		return t.nextPermit(o, now)
	case CloseBooks:
		s := t.fail(ReasonRefusedByUser)
		s.Permit, s.Cause, s.Books = Kill, v.Cause, true
		return t.otherwise(s)
	case Halt:
		s := t.again(t.Message.Tries)
		s.Spread, s.Pause, s.PauseFor = 0, v.Part, v.For
		return s
	default:
		s := t.fail(v.Reason)
		s.Pause, s.PauseFor = v.Part, v.For
		if v.Part != "" {
			return t.otherwise(s)
		}
		return s
	}
}

// otherwise lets a message that may go either way look for the other one: this
// one is closed by now, by a pause or in the books.
func (t Try) otherwise(s Step) Step {
	if t.Message.Either {
		s.State, s.Reason = Queued, ""
	}
	return s
}

// nextPermit: WeChat does not know the code, or knows it as used up. A fresh
// one is tried once more: what counts is whether this message tried this code
// before, not how many attempts it had. Otherwise the message goes on with
// another, unless its sender named this one.
func (t Try) nextPermit(o Outcome, now time.Time) Step {
	fresh := t.Permit.Young(now) && !slices.Contains(t.Heard, o.Errcode)
	if v := o.Verdict; v.Cause == CauseInvalid && fresh {
		return Step{State: Queued, Permit: Keep, Wait: 3 * time.Second, Spread: 2 * time.Second, Tries: t.Message.Tries}
	}
	if t.Message.Fixed {
		s := t.fail(ReasonPermitDead)
		s.Permit, s.Cause = Kill, o.Verdict.Cause
		return s
	}
	return Step{State: Queued, Permit: Kill, Cause: o.Verdict.Cause, Tries: t.Message.Tries}
}

// fail ends a message that is proved undelivered; its permit was not used.
func (t Try) fail(r Reason) Step {
	return Step{State: Failed, Reason: r, Permit: Free, Tries: t.Message.Tries}
}

// refusedRepeat reads a refusal while an earlier attempt is unresolved. Only
// "already used" on a code with one use is proof; the rest is told apart into
// what may be asked again and what ends as unknown.
func (t Try) refusedRepeat(o Outcome, now time.Time) Step {
	switch v := o.Verdict; {
	case v.Cause == CauseSpent && t.LastUse:
		return Step{State: Sent, Evidence: Inferred, Permit: Spend, Infer: true, Tries: t.Message.Tries}
	case !t.timeLeft(now), t.Message.Tries >= MaxTries:
		return t.unknown()
	case v.Do == Repeat, v.Do == SlowDown, v.Do == NewToken, v.Cause == CauseInvalid:
		s := t.again(t.Message.Tries + 1)
		s.Slow, s.Pause, s.PauseFor = v.Do == SlowDown, v.Part, v.For
		return s
	case v.Do == Halt:
		s := t.again(t.Message.Tries)
		s.Pause, s.PauseFor = v.Part, v.For
		return s
	default:
		s := t.unknown()
		s.Books = v.Do == CloseBooks
		s.Pause, s.PauseFor = v.Part, v.For
		return s
	}
}

// Decide reads an outcome with fresh eyes: as Next where the attempt is the one
// in flight, as Late where it was given up. t.Unresolved is as of now. ok is
// false when nothing changes but the attempt itself.
func Decide(t Try, inFlight bool, o Outcome, now time.Time) (s Step, ok bool) {
	if inFlight {
		return Next(t, o, now), true
	}
	return Late(t, o, now)
}

// Late decides what o changes when it is about an attempt that was given up as
// lost: an answer that came after the lease was over, WeChat's sent event, an
// operator's word. t.Unresolved says that yet another attempt is unresolved.
// ok is false when nothing changes but the attempt itself.
func Late(t Try, o Outcome, now time.Time) (s Step, ok bool) {
	m := t.Message
	switch {
	case m.State == Sent && m.Evidence == Inferred && !t.Unresolved && (o.Kind == Refused || o.Kind == NotSent):
		// What was taken for our own delivery was somebody else's use of the code.
		return Step{State: Failed, Reason: ReasonPermitUsed, Permit: Kill, Cause: CauseSpent, Tries: m.Tries}, true
	case m.State == Sent || m.State == Delivered:
		return s, false
	case o.Kind == Accepted:
		return Next(t, o, now), true
	case o.Kind == Lost || t.Unresolved:
		return s, false
	case m.State == Unsure:
		return Next(t, o, now), true
	case m.State == Unknown:
		s = t.fail(o.Verdict.Reason)
		if s.Reason == "" {
			s.Reason = ReasonAttempts
		}
		return s, true
	}
	return s, false
}

// Overdue decides when the hold of an unsure message has passed in silence,
// or when a repeat has run out of time.
func Overdue(t Try, now time.Time) Step {
	if t.Message.OnUnsure == Resend && t.Permit.Source != Payment && t.timeLeft(now) {
		return Step{State: Unsure, Permit: Retain, Tries: t.Message.Tries}
	}
	return t.unknown()
}

// Repeatable says whether a claimed repeat of a lost attempt may still start.
func (t Try) Repeatable(now time.Time) bool { return t.timeLeft(now) }
