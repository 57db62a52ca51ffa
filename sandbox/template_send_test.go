package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/sandbox"
)

// cards are all cards on the phones, through the API.
func (w *world) cards() []sandbox.Card {
	w.t.Helper()
	_, body := w.do("GET", "/sandbox/cards", nil)
	var out struct {
		Data []sandbox.Card `json:"data"`
	}
	if err := json.Unmarshal(body, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Data
}

func TestFormSendsOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	token, form := w.token(), w.form(sandbox.FirstUser)
	expect(t, "first", w.call("POST", templateSend+token, order(form)), 0, "ok")
	expect(t, "second", w.call("POST", templateSend+token, order(form)), 41029, "form id used count reach limit")
	if n := len(w.cards()); n != 1 {
		t.Errorf("%d cards, want 1", n)
	}
}

func TestPaymentSendsThrice(t *testing.T) {
	t.Parallel()
	w := start(t)
	token, paid := w.token(), w.must("POST", "/sandbox/payments", person(sandbox.FirstUser))
	matches(t, "prepay_id", paid.text("prepay_id"), `^wx20171019120000[0-9a-f]{20}$`)
	if paid.text("expires_at") != "2017-10-26T04:00:00.000Z" {
		t.Errorf("expires_at %v", paid["expires_at"])
	}
	for range 3 {
		expect(t, "send", w.call("POST", templateSend+token, order(paid.text("prepay_id"))), 0, "ok")
	}
	expect(t, "fourth", w.call("POST", templateSend+token, order(paid.text("prepay_id"))), 41029, "form id used")
	expect(t, "with prefix", w.call("POST", templateSend+token, order("prepay_id="+paid.text("prepay_id"))), 41028, "invalid form id")
}

func TestFormLastsSevenDays(t *testing.T) {
	t.Parallel()
	w := start(t)
	young, old := w.form(sandbox.FirstUser), w.form(sandbox.FirstUser)
	w.advance(7*86400 - 1)
	expect(t, "in the last second", w.call("POST", templateSend+w.token(), order(young)), 0, "ok")
	w.advance(1)
	expect(t, "after seven days", w.call("POST", templateSend+w.token(), order(old)), 41028, "invalid form id")
}

func TestManyFormsAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	body := person(sandbox.FirstUser)
	body["count"] = 3
	got := w.must("POST", "/sandbox/forms", body)
	ids, ok := got["form_ids"].([]any)
	if !ok || len(ids) != 3 || ids[0] != got["form_id"] {
		t.Fatalf("got %v", got)
	}
	token := w.token()
	for _, id := range ids {
		expect(t, "send", w.call("POST", templateSend+token, order(id.(string))), 0, "ok")
	}
	if _, there := w.must("POST", "/sandbox/forms", person(sandbox.FirstUser))["form_ids"]; there {
		t.Error("a single form has form_ids")
	}
}

func TestMockFormIsNeverUsedUp(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	for range 2 {
		expect(t, "mock", w.call("POST", templateSend+token, order("the formId is a mock one")), 0, "ok")
	}
}

func TestTemplateSendRefusals(t *testing.T) {
	t.Parallel()
	w := start(t)
	token, form := w.token(), w.form(sandbox.FirstUser)
	for name, c := range map[string]struct {
		change map[string]any
		code   int
		text   string
	}{
		"no touser":           {map[string]any{"touser": nil}, 40003, "invalid openid"},
		"unknown user":        {map[string]any{"touser": "oNobody"}, 40003, "invalid openid"},
		"unknown template":    {map[string]any{"template_id": "x"}, 40037, "invalid template_id"},
		"subscribe template":  {map[string]any{"template_id": sandbox.OnceTemplate}, 40037, "invalid template_id"},
		"slash before page":   {map[string]any{"page": "/pages/x"}, 41030, "invalid page"},
		"page with a scheme":  {map[string]any{"page": "https://example.com"}, 41030, "invalid page"},
		"no form_id":          {map[string]any{"form_id": nil}, 41028, "invalid form id"},
		"unknown form_id":     {map[string]any{"form_id": "1508392837549"}, 41028, "invalid form id"},
		"another user's form": {map[string]any{"touser": sandbox.SecondUser}, 41028, "invalid form id"},
		"touser is a list":    {map[string]any{"touser": []int{1}}, 47001, "data format error"},
		"data is a text":      {map[string]any{"data": "x"}, 47001, "data format error"},
	} {
		expect(t, name, w.call("POST", templateSend+token, with(order(form), c.change)), c.code, c.text)
	}
	for name, c := range map[string]struct {
		body string
		code int
		text string
	}{
		"empty":    {"", 44002, "empty post data"},
		"broken":   {`{"touser":`, 47001, "data format error"},
		"trailing": {`{} x`, 47001, "data format error"},
		"a text":   {`"x"`, 47001, "data format error"},
	} {
		expect(t, name, w.call("POST", templateSend+token, c.body), c.code, c.text)
	}
	expect(t, "by GET", w.call("GET", templateSend+token, nil), 43002, "require POST method")
	expect(t, "after all that", w.call("POST", templateSend+token, order(form)), 0, "ok")
	if n := len(w.cards()); n != 1 {
		t.Errorf("%d cards, want 1", n)
	}
}

func TestWeChatReadsTolerantly(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	to := `"touser":"` + sandbox.FirstUser + `","template_id":"` + sandbox.ClassicTemplate + `"`
	mock := `"form_id":"` + sandbox.MockForm + `"`
	for name, body := range map[string]string{
		"no data":         `{` + to + `,` + mock + `}`,
		"data is null":    `{` + to + `,` + mock + `,"data":null,"page":null}`,
		"number as value": `{` + to + `,` + mock + `,"data":{"keyword1":{"value":12.50}}}`,
		"last duplicate":  `{"touser":"x",` + to + `,` + mock + `}`,
		"unknown members": `{` + to + `,` + mock + `,"color":"#fff","more":[{"a":1}]}`,
		"bad UTF-8":       `{` + to + `,` + mock + `,"data":{"keyword1":{"value":"` + "\xff" + `"}}}`,
		"odd values":      `{` + to + `,` + mock + `,"data":{"keyword1":"text","keyword2":{"value":{"a":1}},"keyword3":null,"keyword4":[1]}}`,
	} {
		expect(t, name, w.call("POST", templateSend+token, body), 0, "ok")
	}
	for _, c := range w.cards() {
		if len(c.Rows) != 5 {
			t.Errorf("card %d has rows %v, want the template's five", c.Seq, c.Rows)
		}
	}
}

func TestQuotaStopsSends(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/sandbox/quotas", map[string]any{"appid": sandbox.FirstAppID, "endpoint": "template/send", "limit": 1})
	token, form := w.token(), w.form(sandbox.FirstUser)
	expect(t, "first", w.call("POST", templateSend+token, order(sandbox.MockForm)), 0, "ok")
	expect(t, "second", w.call("POST", templateSend+token, order(form)), 45009, "reach max api daily quota limit")
	w.advance(12 * 3600)
	expect(t, "after midnight, the form still good", w.call("POST", templateSend+w.token(), order(form)), 0, "ok")
}

func TestRetiredAppSendsNoTemplates(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/sandbox/apps", map[string]string{"appid": sandbox.FirstAppID, "era": "today"})
	expect(t, "template/send", w.call("POST", templateSend+w.token(), order(w.form(sandbox.FirstUser))), 45103, "This API has been unsupported")
	if n := len(w.cards()); n != 0 {
		t.Errorf("%d cards", n)
	}
}

func TestRefusedOnTheCard(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	send := func(user string) reply {
		return w.call("POST", templateSend+token, with(order(sandbox.MockForm), map[string]any{"touser": user}))
	}
	expect(t, "before", send(sandbox.FirstUser), 0, "ok")
	w.must("POST", "/sandbox/cards/1/reject", nil)
	expect(t, "after", send(sandbox.FirstUser), 43019, "require remove blacklist")
	expect(t, "another user", send(sandbox.SecondUser), 0, "ok")
	w.must("POST", "/sandbox/subscriptions/settings", with(person(sandbox.FirstUser), map[string]any{"results": map[string]string{sandbox.ClassicTemplate: "accept"}}))
	expect(t, "allowed again", send(sandbox.FirstUser), 0, "ok")
}

func TestTapOpensThePage(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	w.call("POST", templateSend+token, order(sandbox.MockForm))
	w.call("POST", templateSend+token, with(order(sandbox.MockForm), map[string]any{"page": nil}))
	if got := w.must("POST", "/sandbox/cards/1/tap", nil); got.text("page") != "pages/order/detail?id=1019" {
		t.Errorf("tap: %v", got)
	}
	if got := w.must("POST", "/sandbox/cards/2/tap", nil); got["page"] != nil {
		t.Errorf("tap on a card without a page: %v", got)
	}
	if status, body := w.do("POST", "/sandbox/cards/3/tap", nil); status != 404 || !strings.Contains(string(body), "no card 3") {
		t.Errorf("tap on no card: %d %s", status, body)
	}
}
