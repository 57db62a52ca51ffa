package wxnotify

import (
	"testing"
	"time"
)

func TestWhatASentEventChanges(t *testing.T) {
	t.Parallel()
	yes, no := Event{Kind: EventSent, Status: "success"}, Event{Kind: EventSent, Errcode: 20}
	bare, odd := Event{Kind: EventSent}, Event{Kind: EventSent, Status: "user_block"}
	for name, c := range map[string]struct {
		m          Message
		unresolved bool
		e          Event
		want       string // state/reason, "" nothing
	}{
		"taken, arrived":                          {Message{State: Sent}, false, yes, "delivered/"},
		"taken, did not arrive":                   {Message{State: Sent}, false, no, "failed/refused_later"},
		"taken, arrived, in no words":             {Message{State: Sent}, false, bare, "delivered/"},
		"taken, code 0 with a reason not to have": {Message{State: Sent}, false, odd, "failed/refused_later"},
		"told twice":                              {Message{State: Delivered}, false, yes, ""},
		"arrived, then said not to have":          {Message{State: Delivered}, false, no, ""},
		"said not to have arrived, then to":       {Message{State: Failed, Reason: ReasonRefusedLater}, false, yes, ""},
		"unsure, arrived":                         {Message{State: Unsure}, false, yes, "delivered/"},
		"unsure, did not arrive":                  {Message{State: Unsure}, false, no, "failed/refused_later"},
		"unknown, arrived":                        {Message{State: Unknown}, false, yes, "delivered/"},
		"an operator said failed, but arrived":    {Message{State: Failed, Reason: ReasonOperator}, false, yes, "delivered/"},
		"arrived while a repeat is under way":     {Message{State: Sending}, false, yes, "delivered/"},
		"did not, while a repeat is under way":    {Message{State: Sending}, false, no, ""},
		"did not, and another answer is missing":  {Message{State: Unsure}, true, no, ""},
	} {
		s, ok := Told(Try{Message: c.m, Unresolved: c.unresolved}, c.e)
		got := ""
		if ok {
			got = string(s.State) + "/" + string(s.Reason)
		}
		if got != c.want || ok && s.Permit != Spend {
			t.Errorf("%s: %q with permit %s, want %q", name, got, s.Permit, c.want)
		}
	}
}

func TestAMessageOfTwoWaysLooksForTheOther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    Verdict
		want State
	}{
		"the channel is retired":    {Verdict{Do: Fail, Reason: ReasonChannelRetired, Part: PartChannel}, Queued},
		"the template is banned":    {Verdict{Do: Fail, Reason: ReasonTemplate, Part: PartTemplateID}, Queued},
		"the user has nothing left": {Verdict{Do: CloseBooks, Cause: CauseRefused}, Queued},
		"the content is wrong":      {Verdict{Do: Fail, Reason: ReasonData}, Failed},
	} {
		m := Message{Channel: ChannelSubscribe, ExpiresAt: noon.Add(time.Hour)}
		o := Outcome{Kind: Refused, Said: true, Verdict: c.v}
		if s := Next(Try{Message: m}, o, noon); s.State != Failed {
			t.Errorf("%s, one way: %s", name, s.State)
		}
		m.Either = true
		if s := Next(Try{Message: m}, o, noon); s.State != c.want || s.Reason == "" && c.want == Failed {
			t.Errorf("%s, two ways: %s", name, s.State)
		}
	}
}
