package wxnotify

import (
	"encoding/json"
	"testing"
	"time"
)

func TestANoticeIsTriedForThreeDays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	failed := Answer{Status: 500, Fault: FaultStatus}
	_, first := Notice{Tries: 1}.After(failed, now, 1)
	if wait := first.Sub(now); wait < 5*time.Second || wait >= 10*time.Second {
		t.Errorf("the first repeat comes after %v", wait)
	}
	for _, jitter := range []float64{0, 1} {
		at, tries := now, 1
		for ; ; tries++ {
			state, due := Notice{Tries: tries}.After(failed, at, jitter)
			if state == NoticeFailed {
				break
			}
			if state != NoticePending || !due.After(at) {
				t.Fatalf("attempt %d: %s, again after %v", tries, state, due.Sub(at))
			}
			at = due
		}
		if took := at.Sub(now); took < 71*time.Hour || took > 90*time.Hour {
			t.Errorf("given up after %v and %d attempts", took, tries)
		}
	}
}

func TestWhatAnAnswerMeansForANotice(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		tries  int
		answer Answer
		state  NoticeState
		wait   time.Duration
	}{
		"taken":                      {3, Answer{Status: 204}, NoticeDelivered, 0},
		"refused":                    {2, Answer{Status: 400, Fault: FaultStatus}, NoticePending, 30 * time.Second},
		"asked to wait":              {1, Answer{Status: 503, Fault: FaultStatus, RetryAfter: time.Hour}, NoticePending, time.Hour},
		"asked to hurry":             {3, Answer{Status: 503, Fault: FaultStatus, RetryAfter: time.Second}, NoticePending, 5 * time.Minute},
		"gone: it waits, as all do":  {11, Answer{Status: 410, Fault: FaultStatus}, NoticePending, 22 * time.Hour},
		"the last time":              {11, Answer{Fault: FaultTimeout}, NoticeFailed, 0},
		"taken after all":            {11, Answer{Status: 200}, NoticeDelivered, 0},
		"an address that is blocked": {1, Answer{Fault: FaultBlocked}, NoticePending, 5 * time.Second},
	} {
		state, due := Notice{Tries: c.tries}.After(c.answer, now, 0)
		if state != c.state || c.wait > 0 && due.Sub(now) != c.wait {
			t.Errorf("%s: %s, again after %v", name, state, due.Sub(now))
		}
	}
}

func TestEveryStateAtRestHasItsTopic(t *testing.T) {
	t.Parallel()
	for _, s := range []State{Scheduled, Waiting, Queued, Sending, Unsure, Sent, Delivered, Failed, Expired, Canceled, Unknown} {
		topic := TopicOf(s)
		if want := s.AtRest() && s != Canceled; (topic != "") != want || topic != "" && (topic != Topic("message."+s) || !ValidTopic(topic)) {
			t.Errorf("%s is told as %q", s, topic)
		}
	}
	for _, i := range Topics {
		if i.En == "" || i.Zh == "" {
			t.Errorf("%s is not explained", i.Topic)
		}
	}
}

func TestWhoWantsWhat(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		hook Webhook
		want bool
	}{
		"all of every app": {Webhook{}, true},
		"its app":          {Webhook{App: "a"}, true},
		"another app":      {Webhook{App: "b"}, false},
		"the topic":        {Webhook{Topics: []Topic{AppPaused, MessageSent}}, true},
		"other topics":     {Webhook{Topics: []Topic{AppPaused}}, false},
		"off since today":  {Webhook{Off: OffGone, OffAt: now.Add(-time.Hour)}, true},
		"off for long":     {Webhook{Off: OffGone, OffAt: now.Add(-KeptWhileOff)}, false},
	} {
		if got := c.hook.Wants("a", MessageSent, now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestANoticesBodyIsOneJSONObject(t *testing.T) {
	t.Parallel()
	m := Message{ID: "msg_1", App: "wx1", To: "o1", State: Failed, Reason: ReasonNoPermit, TemplateID: "T", Meta: map[string]string{"<a>": "\u2028\"张"}}
	n := Notice{Topic: MessageFailed, Data: MessageData(&m), CreatedAt: time.Date(2026, 3, 4, 20, 0, 0, 0, time.FixedZone("", 8*3600))}
	var got struct {
		Type, Timestamp string
		Data            struct {
			ID, State, Reason string
			Evidence          *string
			Meta              map[string]string
		}
	}
	if err := json.Unmarshal(n.Body(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "message.failed" || got.Timestamp != "2026-03-04T12:00:00Z" || got.Data.ID != "msg_1" || got.Data.Reason != "no_permit" || got.Data.Evidence != nil || got.Data.Meta["<a>"] != m.Meta["<a>"] {
		t.Errorf("%+v", got)
	}
}
