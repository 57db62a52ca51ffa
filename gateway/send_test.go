package gateway_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
)

// hasMembers says whether a JSON object has exactly these members.
func hasMembers(body string, names ...string) bool {
	var m map[string]any
	if json.Unmarshal([]byte(body), &m) != nil || len(m) != len(names) {
		return false
	}
	return !slices.ContainsFunc(names, func(n string) bool { _, ok := m[n]; return !ok })
}

func TestATemplateMessageGoesOutWithTheFormIDThatWasNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token, formID := w.token(testKey), w.form(li)
	a := w.call(templateSend, with(token), order(li, formID))
	if a.body != `{"errcode":0,"errmsg":"ok"}` {
		t.Errorf("got %s", a.body)
	}
	if c := w.cards(1)[0]; *c.FormID != formID || c.Openid != li || c.Rows[4].Value != "7" {
		t.Errorf("the card is %+v", c)
	}
	if m := w.message(a); m.State != wxnotify.Sent || m.Channel != wxnotify.ChannelTemplate || m.To != li {
		t.Errorf("the message is %+v", m)
	}
}

func TestWithoutAFormIDTheLedgerChooses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token, formID := w.token(testKey), w.form(li)
	w.want(w.call(templateSend, with(token), order(li, "")), 41028)
	w.give(li, wxnotify.Form, formID, "")
	o := order(li, "")
	o["page"] = "pages/another"
	w.want(w.call(templateSend, with(token), o), 0)
	if c := w.cards(1)[0]; *c.FormID != formID {
		t.Errorf("the card used %s", *c.FormID)
	}
}

func TestASubscribeMessageTellsWeChatsID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	w.want(w.call(subscribeSend, with(token), delivery(li)), 43101)
	w.accept(li, sandbox.DeliveryTemplate)
	d := delivery(li)
	d["page"] = "pages/b"
	a := w.call(subscribeSend, with(token), d)
	if a.Errcode != 0 || !hasMembers(a.body, "errcode", "errmsg", "msgid") || a.MsgID.String() != w.message(a).MsgID {
		t.Errorf("got %s, the message has %s", a.body, w.message(a).MsgID)
	}
	w.cards(1)
}

// What WeChat refuses, it refuses here in its own words.
func TestRefusalsAreWeChatsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	token := w.token(testKey)
	change := func(o object, name string, value any) object {
		o[name] = value
		return o
	}
	used := w.form(li)
	w.want(w.call(templateSend, with(token), order(li, used)), 0)
	w.accept(li, sandbox.DeliveryTemplate)
	w.give(li, wxnotify.Subscribe, "", sandbox.OnceTemplate)
	for name, c := range map[string]struct {
		path string
		body any
		want int
	}{
		"a form_id used before":     {templateSend, change(order(li, used), "page", "pages/x"), 41029},
		"a form_id of another user": {templateSend, order(wang, used), 41028},
		"a form_id that is unknown": {templateSend, order(li, "0123456789abcdef0123456789abcdef"), 41028},
		"the excuse of a client":    {templateSend, order(li, "the formId is a mock one"), 41028},
		"no openid":                 {templateSend, order("", "1508392837549"), 40003},
		"an unknown openid":         {templateSend, order("oNobody12345", w.form(li)), 40003},
		"a template that is none":   {templateSend, change(order(li, w.form(li)), "template_id", "?"), 40037},
		"an unknown template":       {templateSend, change(order(li, w.form(li)), "template_id", "unknown"), 40037},
		"a page with a slash":       {templateSend, change(order(li, w.form(li)), "page", "/pages/x"), 41030},
		"a value of a wrong kind":   {subscribeSend, change(delivery(li), "data", object{"thing3": object{"value": strings.Repeat("长", 30)}}), 47003},
		"no data":                   {subscribeSend, change(delivery(li), "data", nil), 47003},
		"not accepted by the user":  {subscribeSend, change(delivery(li), "template_id", sandbox.OnceTemplate), 47003},
		"no JSON":                   {subscribeSend, "touser=1", 47001},
		"nothing":                   {subscribeSend, "", 44002},
		"too much":                  {subscribeSend, strings.Repeat(" ", 300<<10), 45002},
		"another method":            {subscribeSend, nil, 43002},
	} {
		if a := w.call(c.path, with(token), c.body); a.Errcode != c.want || !hasMembers(a.body, "errcode", "errmsg") {
			t.Errorf("%s: got %s, want %d", name, a.body, c.want)
		}
	}
	w.cards(1)
}

func TestQueuedSendsAreAnsweredWhenTheyAreDurable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0, nil)
	w.fault(sandbox.Fault{Endpoint: "template/send", Effect: "errcode", Errcode: 45011, Times: 1})
	token := w.token(testKey + ".queued")
	if token == w.token(testKey) {
		t.Fatal("the same token for both ways")
	}
	a := w.call(templateSend, with(token), order(li, w.form(li)))
	if a.body != `{"errcode":0,"errmsg":"ok"}` || a.id == "" {
		t.Errorf("got %s for %q", a.body, a.id)
	}
	m, err := w.box.Wait(t.Context(), appid, a.id)
	w.must(err)
	if m.State != wxnotify.Sent || m.ExpiresAt.Sub(m.CreatedAt) != wxnotify.Lasts || len(m.Attempts) != 2 {
		t.Errorf("the message is %+v", m)
	}
}

// A message that cannot be started in time is canceled, and the next call is a
// new try.
func TestNotStartedInTimeIsBusyAndTheNextCallANewTry(t *testing.T) {
	t.Parallel()
	w := newIdleWorld(t, 100*time.Millisecond, nil)
	token, o := w.token(testKey), order(li, w.form(li))
	first := w.call(templateSend, with(token), o)
	second := w.call(templateSend, with(token), o)
	for _, a := range []answer{first, second} {
		w.want(a, -1)
		if m := w.message(a); m.State != wxnotify.Canceled {
			t.Errorf("it is %s", m.State)
		}
	}
	w.start()
	w.until("a try that is started in time", func() bool {
		a := w.call(templateSend, with(token), o)
		return a.Errcode == 0 && a.id != first.id && a.id != second.id
	})
	w.cards(1)
}

// What is paused is told at once: nobody hangs for seconds.
func TestAPauseIsToldAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour, nil)
	token := w.token(testKey)
	pause := func(scope, reason string, probe time.Time) {
		w.must(w.store.PutPause(t.Context(), wxnotify.Pause{App: appid, Scope: scope, Reason: reason, Since: time.Now(), Probe: probe}))
	}
	later := time.Now().Add(time.Hour)
	pause("template", "quota", later)
	w.want(w.call(templateSend, with(token), order(li, w.form(li))), 45009)
	pause("template", string(wxnotify.ReasonChannelRetired), time.Time{})
	w.want(w.call(templateSend, with(token), order(li, w.form(li))), 45103)
	pause("all", "operator", time.Time{})
	w.want(w.call(subscribeSend, with(token), delivery(li)), -1)
	if all, _, err := w.store.Messages(t.Context(), wxnotify.MessageFilter{App: appid, Limit: 10}); err != nil || len(all) != 0 {
		t.Errorf("%d messages were made, %v", len(all), err)
	}
	for _, scope := range []string{"all", "template"} {
		_, err := w.store.Resume(t.Context(), appid, scope)
		w.must(err)
	}
	pause("template", "quota", time.Now().Add(-time.Second))
	w.want(w.call(templateSend, with(token), order(li, w.form(li))), 0) // the probe
}

// No key, token or secret is in the log, whatever happens.
func TestTheLogKeepsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Second, nil)
	token := w.token(testKey)
	w.fault(sandbox.Fault{Endpoint: "*", Effect: "drop_request", Times: 6})
	for range 3 {
		w.call(templateSend, with(token), order(li, w.form(li)))
		w.call(listTemplates, with(token), nil)
	}
	w.call("/sns/jscode2session", credential(testKey), nil)
	w.call("/cgi-bin/token", credential("nonsense-secret"), nil)
	all := w.log.String()
	if !strings.Contains(all, "request failed") {
		t.Errorf("nothing went wrong:\n%s", all)
	}
	row, err := w.store.LoadToken(t.Context(), appid)
	w.must(err)
	for what, s := range map[string]string{"the key": testKey, "a wrong key": "nonsense-secret", "the gateway token": token, "the app's secret": sandbox.FirstSecret, "the real token": row.Value.Reveal(), "an openid": li} {
		if s != "" && strings.Contains(all, s) {
			t.Errorf("the log holds %s", what)
		}
	}
}
