package wxnotify

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2017, 10, 19, 12, 31, 0, 0, time.UTC)

// try makes an attempt with a form_id that was given an hour ago.
func try(changes ...func(*Try)) Try {
	t := Try{
		Message: Message{ID: "msg_1", App: "wx1", To: "o1", Channel: ChannelTemplate, OnUnsure: Hold, ExpiresAt: noon.Add(Lasts), State: Sending},
		Attempt: Attempt{Number: 1, Permit: "prm_1"},
		Permit:  Permit{ID: "prm_1", Source: Form, GivenAt: noon.Add(-time.Hour), ExpiresAt: noon.Add(6 * 24 * time.Hour)},
		LastUse: true,
	}
	for _, c := range changes {
		c(&t)
	}
	return t
}

func repeat(t *Try)   { t.Unresolved, t.Attempt.Number = true, 2 }
func fixed(t *Try)    { t.Message.Fixed = true }
func fresh(t *Try)    { t.Permit.GivenAt = noon.Add(-2 * time.Second) }
func third(t *Try)    { t.Attempt.Number = 3 }
func heard(t *Try)    { t.Heard = []int{45011, 41028} }
func tired(t *Try)    { t.Message.Tries = MaxTries }
func late(t *Try)     { t.Permit.ExpiresAt = noon.Add(Margin - time.Second) }
func resend(t *Try)   { t.Message.OnUnsure = Resend }
func callback(t *Try) { t.Events = true }
func payment(t *Try)  { t.Permit.Source, t.LastUse = Payment, false }
func prompt(t *Try) {
	t.Message.Channel, t.LastUse = ChannelSubscribe, false
	t.Permit = Permit{ID: "prm_1", Source: Subscribe, GivenAt: noon.Add(-time.Hour)}
}

func refusal(code int, v Verdict) Outcome {
	return Outcome{Kind: Refused, Errcode: code, Said: true, Verdict: v}
}

var (
	taken    = Outcome{Kind: Accepted, Said: true}
	unsent   = Outcome{Kind: NotSent}
	lost     = Outcome{Kind: Lost}
	busy     = refusal(45011, Verdict{Do: SlowDown})
	invalid  = refusal(41028, Verdict{Do: NextPermit, Cause: CauseInvalid})
	spent    = refusal(41029, Verdict{Do: NextPermit, Cause: CauseSpent})
	no       = refusal(43101, Verdict{Do: CloseBooks, Cause: CauseRefused})
	badPage  = refusal(41030, Verdict{Do: Fail, Reason: ReasonPage})
	quota    = refusal(45009, Verdict{Do: Halt, Part: PartChannel, For: UntilMidnight})
	retired  = refusal(45103, Verdict{Do: Fail, Reason: ReasonChannelRetired, Part: PartChannel})
	deadTok  = refusal(40001, Verdict{Do: NewToken})
	blocked  = refusal(45102, Verdict{Do: SlowDown, Part: PartChannel, For: time.Minute})
	tokenCut = refusal(41001, Verdict{Do: NewToken, Part: PartAll})
	noSecret = Outcome{Kind: NotSent, Errcode: 40125, Said: true, Verdict: Verdict{Do: Halt, Part: PartAll}}
)

func TestNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		try     Try
		outcome Outcome
		want    Step
	}{
		"taken":                              {try(), taken, Step{State: Sent, Evidence: Answered, Permit: Spend}},
		"nothing left us":                    {try(), unsent, Step{State: Queued, Permit: Free, Spread: time.Second}},
		"nothing left us, form_id was named": {try(fixed), unsent, Step{State: Queued, Permit: Keep, Spread: time.Second}},
		"nothing left us in a repeat":        {try(repeat), unsent, Step{State: Unsure, Permit: Retain, Spread: time.Second}},
		"no token, the secret is wrong":      {try(), noSecret, Step{State: Queued, Permit: Free, Spread: time.Second, Pause: PartAll}},

		"lost, form_id":                          {try(), lost, Step{State: Unsure, Permit: Retain, Spread: time.Second}},
		"lost again, form_id":                    {try(repeat), lost, Step{State: Unsure, Permit: Retain, Spread: 2 * time.Second}},
		"lost, form_id about to run out":         {try(late), lost, Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved}},
		"lost, payment":                          {try(payment), lost, Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved}},
		"lost, payment, resend":                  {try(payment, resend), lost, Step{State: Unsure, Permit: Retain, Other: true}},
		"lost, last use of a payment":            {try(payment, func(t *Try) { t.LastUse = true }), lost, Step{State: Unsure, Permit: Retain, Spread: time.Second}},
		"lost, subscription, no callback":        {try(prompt), lost, Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved}},
		"lost, subscription, the event may come": {try(prompt, callback), lost, Step{State: Unsure, Permit: Retain, Hold: Patience}},
		"lost, subscription, resend":             {try(prompt, resend), lost, Step{State: Unsure, Permit: Retain, Hold: Patience}},

		"busy":                   {try(), busy, Step{State: Queued, Permit: Free, Spread: time.Second, Tries: 1, Slow: true}},
		"busy for too long":      {try(tired), busy, Step{State: Failed, Reason: ReasonAttempts, Permit: Free, Tries: MaxTries}},
		"busy in a repeat":       {try(repeat), busy, Step{State: Unsure, Permit: Retain, Spread: 2 * time.Second, Tries: 1, Slow: true}},
		"the token died twice":   {try(), deadTok, Step{State: Queued, Permit: Free, Spread: time.Second, Tries: 1}},
		"a token never arrives":  {try(), tokenCut, Step{State: Queued, Permit: Free, Spread: time.Second, Tries: 1, Pause: PartAll}},
		"blocked for a while":    {try(), blocked, Step{State: Queued, Permit: Free, Spread: time.Second, Tries: 1, Slow: true, Pause: PartChannel, PauseFor: time.Minute}},
		"blocked in a repeat":    {try(repeat), blocked, Step{State: Unsure, Permit: Retain, Spread: 2 * time.Second, Tries: 1, Slow: true, Pause: PartChannel, PauseFor: time.Minute}},
		"out of quota":           {try(), quota, Step{State: Queued, Permit: Free, Pause: PartChannel, PauseFor: UntilMidnight}},
		"the channel is retired": {try(), retired, Step{State: Failed, Reason: ReasonChannelRetired, Permit: Free, Pause: PartChannel}},
		"no such page":           {try(), badPage, Step{State: Failed, Reason: ReasonPage, Permit: Free}},
		"no such page, repeat":   {try(repeat), badPage, Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved}},

		"form_id invalid":                    {try(), invalid, Step{State: Queued, Permit: Kill, Cause: CauseInvalid}},
		"form_id invalid, but just given":    {try(fresh), invalid, Step{State: Queued, Permit: Keep, Wait: 3 * time.Second, Spread: 2 * time.Second}},
		"just given, after other attempts":   {try(fresh, third), invalid, Step{State: Queued, Permit: Keep, Wait: 3 * time.Second, Spread: 2 * time.Second}},
		"just given, invalid twice":          {try(fresh, third, heard), invalid, Step{State: Queued, Permit: Kill, Cause: CauseInvalid}},
		"just given and named, after others": {try(fresh, fixed, third), invalid, Step{State: Queued, Permit: Keep, Wait: 3 * time.Second, Spread: 2 * time.Second}},
		"just given and named, twice":        {try(fresh, fixed, third, heard), invalid, Step{State: Failed, Reason: ReasonPermitDead, Permit: Kill, Cause: CauseInvalid}},
		"form_id invalid, named":             {try(fixed), invalid, Step{State: Failed, Reason: ReasonPermitDead, Permit: Kill, Cause: CauseInvalid}},
		"form_id invalid in a repeat":        {try(repeat), invalid, Step{State: Unsure, Permit: Retain, Spread: 2 * time.Second, Tries: 1}},
		"form_id used by somebody else":      {try(), spent, Step{State: Queued, Permit: Kill, Cause: CauseSpent}},
		"lost, then already used":            {try(repeat), spent, Step{State: Sent, Evidence: Inferred, Permit: Spend, Infer: true}},
		"payment lost, then already used":    {try(payment, repeat), spent, Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved}},
		"the user said no":                   {try(prompt), no, Step{State: Failed, Reason: ReasonRefusedByUser, Permit: Kill, Cause: CauseRefused, Books: true}},
		"lost, then the user has none left":  {try(prompt, resend, repeat), no, Step{State: Unknown, Reason: ReasonUnresolved, Permit: Kill, Cause: CauseUnresolved, Books: true}},
	} {
		if got := Next(c.try, c.outcome, noon); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestLateEvidence(t *testing.T) {
	t.Parallel()
	in := func(s State) func(*Try) { return func(t *Try) { t.Message.State = s } }
	for name, c := range map[string]struct {
		try     Try
		outcome Outcome
		state   State
		fate    Fate
	}{
		"unsure, then the answer came after all":  {try(in(Unsure)), taken, Sent, Spend},
		"unknown, then the answer came after all": {try(in(Unknown)), taken, Sent, Spend},
		"sent already":                             {try(in(Sent)), badPage, "", ""},
		"unsure, and nothing had left us":          {try(in(Unsure)), unsent, Queued, Free},
		"unsure, refused":                          {try(in(Unsure)), badPage, Failed, Free},
		"unsure, refused, but another one is lost": {try(in(Unsure), repeat), badPage, "", ""},
		"unknown, refused":                         {try(in(Unknown)), badPage, Failed, Free},
		"a repeat is in flight":                    {try(in(Sending)), badPage, "", ""},
		"still nobody knows":                       {try(in(Unsure)), lost, "", ""},
	} {
		got, ok := Late(c.try, c.outcome, noon)
		if ok != (c.state != "") || got.State != c.state || got.Permit != c.fate {
			t.Errorf("%s: %+v, %v; want %s, permit %s", name, got, ok, c.state, c.fate)
		}
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		try  Try
		want State
	}{
		"hold":                      {try(prompt), Unknown},
		"resend, subscription":      {try(prompt, resend), Unsure},
		"resend, form_id ran out":   {try(resend, late), Unknown},
		"resend, payments used up":  {try(payment, resend), Unknown},
		"form_id about to run out":  {try(late), Unknown},
		"resend, and out of time":   {try(prompt, resend, func(t *Try) { t.Message.ExpiresAt = noon }), Unknown},
		"resend, a minute from end": {try(prompt, resend, func(t *Try) { t.Message.ExpiresAt = noon.Add(time.Minute) }), Unsure},
	} {
		if got := Overdue(c.try, noon); got.State != c.want {
			t.Errorf("%s: %s, want %s", name, got.State, c.want)
		}
	}
}

// Whatever comes: nothing is called sent without evidence, no permit is free
// again while an answer is missing, and what failed is proved undelivered.
func TestNextKeepsThePromises(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var changes []func(*Try)
		for _, c := range []func(*Try){repeat, fixed, fresh, tired, late, resend, callback, payment, prompt} {
			if rapid.Bool().Draw(t, "change") {
				changes = append(changes, c)
			}
		}
		x := try(changes...)
		o := rapid.SampledFrom([]Outcome{taken, unsent, lost, busy, invalid, spent, no, badPage, quota, retired, deadTok, noSecret}).Draw(t, "outcome")
		s := Next(x, o, noon)
		unresolved := x.Unresolved || o.Kind == Lost
		switch {
		case s.State == "" || s.Permit == "":
			t.Fatalf("undecided: %+v", s)
		case (s.State == Sent) != (s.Evidence != ""):
			t.Fatalf("%s with evidence %q", s.State, s.Evidence)
		case s.State == Sent && o.Kind != Accepted && !(s.Infer && x.Unresolved && x.LastUse):
			t.Fatalf("sent without proof: %+v", s)
		case s.State == Failed && unresolved:
			t.Fatalf("failed, and yet it may have arrived: %+v", s)
		case unresolved && (s.Permit == Free || s.Permit == Keep) && s.State != Sent:
			t.Fatalf("permit %s while an answer is missing: %+v", s.Permit, s)
		case s.State == Unsure && !unresolved:
			t.Fatalf("unsure of what is known: %+v", s)
		case s.State == Queued && unresolved:
			t.Fatalf("queued for another code while an answer is missing: %+v", s)
		case s.State == Unsure && o.Kind == Lost && !x.LastUse && s.Hold == 0 && !s.Other:
			t.Fatalf("a blind repeat of the same code: %+v", s)
		case s.State.AtRest() != (s.State == Sent || s.State == Failed || s.State == Unknown):
			t.Fatalf("ends as %s", s.State)
		}
	})
}
