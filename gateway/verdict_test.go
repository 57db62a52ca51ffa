package gateway

import (
	"testing"

	"github.com/wxnotify/wxnotify"
)

func TestWhatAMessageCameToInWeChatsWords(t *testing.T) {
	t.Parallel()
	code := func(n int) *int { return &n }
	refused := func(n int, errmsg string) wxnotify.Attempt {
		return wxnotify.Attempt{Outcome: wxnotify.Refused, Errcode: code(n), Errmsg: errmsg}
	}
	notSent := wxnotify.Attempt{Outcome: wxnotify.NotSent, Errcode: code(40164), Errmsg: "no access_token"}
	for name, c := range map[string]struct {
		m    wxnotify.Message
		want string
	}{
		"sent":                  {wxnotify.Message{State: wxnotify.Sent}, `{"errcode":0,"errmsg":"ok"}`},
		"sent, with a msgid":    {wxnotify.Message{State: wxnotify.Sent, MsgID: "1988810812324364291"}, `{"errcode":0,"errmsg":"ok","msgid":1988810812324364291}`},
		"delivered":             {wxnotify.Message{State: wxnotify.Delivered}, `{"errcode":0,"errmsg":"ok"}`},
		"refused after a 0":     {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonRefusedLater, MsgID: "7"}, `{"errcode":0,"errmsg":"ok","msgid":7}`},
		"in flight":             {wxnotify.Message{State: wxnotify.Sending}, `{"errcode":9900001,"errmsg":"outcome unknown"}`},
		"unsure":                {wxnotify.Message{State: wxnotify.Unsure, Attempts: []wxnotify.Attempt{refused(45011, "slow down")}}, `{"errcode":9900001,"errmsg":"outcome unknown"}`},
		"unknown":               {wxnotify.Message{State: wxnotify.Unknown}, `{"errcode":9900001,"errmsg":"outcome unknown"}`},
		"queued again":          {wxnotify.Message{State: wxnotify.Queued}, `{"errcode":9900001,"errmsg":"outcome unknown"}`},
		"canceled by us":        {wxnotify.Message{State: wxnotify.Canceled}, `{"errcode":-1,"errmsg":"system error"}`},
		"canceled, no token":    {wxnotify.Message{State: wxnotify.Canceled, Attempts: []wxnotify.Attempt{notSent}}, `{"errcode":-1,"errmsg":"system error, no access_token"}`},
		"canceled, over quota":  {wxnotify.Message{State: wxnotify.Canceled, Attempts: []wxnotify.Attempt{refused(45009, "quota hint: [x]")}}, `{"errcode":45009,"errmsg":"quota hint: [x]"}`},
		"expired, a dead token": {wxnotify.Message{State: wxnotify.Expired, Attempts: []wxnotify.Attempt{refused(40001, "dead")}}, `{"errcode":-1,"errmsg":"system error, dead"}`},
		"WeChat's own refusal":  {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonData, Attempts: []wxnotify.Attempt{refused(47003, "argument invalid! data.thing1.value")}}, `{"errcode":47003,"errmsg":"argument invalid! data.thing1.value"}`},
		"the last of two":       {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonPermitDead, Attempts: []wxnotify.Attempt{refused(41028, "a"), refused(41029, "b")}}, `{"errcode":41029,"errmsg":"b"}`},
		"used before":           {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonPermitUsed}, `{"errcode":41029,"errmsg":"form id used count reach limit"}`},
		"no permit":             {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonNoPermit, Channel: wxnotify.ChannelTemplate}, `{"errcode":41028,"errmsg":"invalid form id"}`},
		"no permit any more":    {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonNoPermit, Channel: wxnotify.ChannelTemplate, Attempts: []wxnotify.Attempt{refused(41029, "b")}}, `{"errcode":41028,"errmsg":"invalid form id"}`},
		"no subscription":       {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonNoPermit, Channel: wxnotify.ChannelSubscribe}, `{"errcode":43101,"errmsg":"user refuse to accept the msg"}`},
		"the user's last word":  {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonRefusedByUser}, `{"errcode":43101,"errmsg":"user refuse to accept the msg"}`},
		"a fault of ours":       {wxnotify.Message{State: wxnotify.Failed, Reason: wxnotify.ReasonInternal}, `{"errcode":-1,"errmsg":"system error, internal"}`},
	} {
		got, err := answer(&c.m)
		if s, ok := err.(saying); ok {
			got = s.body()
		}
		if string(got) != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

// A refusal of ours is never taken for a success, nor for a lost answer.
func TestEveryCodeOfOursHasAnErrcode(t *testing.T) {
	t.Parallel()
	for code, info := range wxnotify.Codes {
		if info.Errcode == 0 || info.Errcode == unknown {
			t.Errorf("%s: errcode %d", code, info.Errcode)
		}
	}
}

func TestOnlyTheTokenIsTakenOutOfAQuery(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                                   "",
		"access_token=a":                     "",
		"a=1&access_token=x&b=%E4%B8%80&b=2": "a=1&b=%E4%B8%80&b=2",
		"access%5Ftoken=x&a":                 "a",
		"&access_token=x&&my_access_token=y": "my_access_token=y",
		"a=%zz&access_token=x&access_token":  "a=%zz",
	} {
		if got := withoutToken(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
}
