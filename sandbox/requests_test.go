package sandbox_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxnotify/wxnotify/sandbox"
)

func (w *world) requests(query string) (lines []map[string]any, last string) {
	w.t.Helper()
	got := w.must("GET", "/sandbox/requests"+query, nil)
	for _, line := range got["data"].([]any) {
		lines = append(lines, line.(map[string]any))
	}
	return lines, got.text("last_seq")
}

func TestRequestLogTellsEverything(t *testing.T) {
	t.Parallel()
	w := start(t)
	token, form := w.token(), w.form(sandbox.FirstUser)
	w.call("POST", templateSend+token, order(form))
	w.call("POST", templateSend+token, order(form))
	lines, last := w.requests("?after=1")
	if len(lines) != 2 || last != "3" {
		t.Fatalf("%d lines, last_seq %s", len(lines), last)
	}
	for i, want := range []map[string]any{
		{"seq": json.Number("2"), "time": "2017-10-19T04:00:00.000Z", "method": "POST", "path": "/cgi-bin/message/wxopen/template/send",
			"appid": sandbox.FirstAppID, "status": json.Number("200"), "errcode": json.Number("0"), "effect": true, "answered": true, "fault": nil,
			"answer": map[string]any{"errcode": json.Number("0"), "errmsg": "ok"}},
		{"seq": json.Number("3"), "errcode": json.Number("41029"), "effect": false, "answered": true},
	} {
		got := map[string]any{}
		for name := range want {
			got[name] = lines[i][name]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
	}
	body, ok := lines[0]["body"].(map[string]any)
	if !ok || body["form_id"] != form || body["touser"] != sandbox.FirstUser {
		t.Errorf("body %v, want form_id and touser in clear", lines[0]["body"])
	}
	if len(lines[0]) != 14 {
		t.Errorf("a line has %d members: %v", len(lines[0]), lines[0])
	}
}

func TestSecretsAreMaskedInTheLog(t *testing.T) {
	t.Parallel()
	w := start(t)
	token := w.token()
	session := w.exchange(w.login(sandbox.FirstUser))
	w.stable(false)
	w.call("POST", "/cgi-bin/stable_token", `{"secret":"`+sandbox.FirstSecret+`","appid":"`+sandbox.FirstAppID+`" broken`)
	w.call("POST", templateSend+token, `{"touser":"`+token+`" broken`)
	w.call("POST", "/cgi-bin/stable_token", map[string]any{"a": []any{map[string]string{"secret": sandbox.FirstSecret}}, "msgid": json.Number("1988810812324364291")})
	w.call("GET", "/cgi-bin/token?SECRET=x&secret=a%26b&access%5Ftoken=hidden-one", nil)
	_, body := w.do("GET", "/sandbox/requests", nil)
	for name, secret := range map[string]string{"token": token, "app secret": sandbox.FirstSecret, "session_key": session.text("session_key"), "odd query": "hidden-one", "escaped": "a%26b"} {
		if strings.Contains(string(body), secret) {
			t.Errorf("%s stands in the log", name)
		}
	}
	if !strings.Contains(string(body), "1988810812324364291") {
		t.Error("a large number lost its digits")
	}
	lines, _ := w.requests("")
	used := lines[4]["query"].(string)
	given := lines[0]["answer"].(map[string]any)["access_token"].(string)
	if used != "access_token="+given || !strings.HasPrefix(given, "***") {
		t.Errorf("the same token is marked %q and %q", given, used)
	}
}

func TestLogKeepsTheLast(t *testing.T) {
	t.Parallel()
	w := startWith(t, sandbox.Options{MaxRequests: 3, MaxCards: 3})
	token := w.token()
	for range 9 {
		w.call("POST", templateSend+token, order(sandbox.MockForm))
	}
	lines, last := w.requests("")
	if len(lines) != 3 || lines[0]["seq"] != json.Number("8") || last != "10" {
		t.Errorf("%d lines from %v, last_seq %s; want 8, 9, 10", len(lines), lines[0]["seq"], last)
	}
	if lines, _ = w.requests("?after=9"); len(lines) != 1 || lines[0]["seq"] != json.Number("10") {
		t.Errorf("after 9: %v", lines)
	}
	if lines, _ = w.requests("?limit=1"); len(lines) != 1 {
		t.Errorf("limit 1: %d lines", len(lines))
	}
	cards := w.cards()
	if len(cards) != 3 || cards[0].Seq != 7 {
		t.Errorf("%d cards from %d, want 7, 8, 9", len(cards), cards[0].Seq)
	}
	if status, _ := w.do("POST", "/sandbox/cards/1/tap", nil); status != 404 {
		t.Errorf("a card that is gone: %d", status)
	}
}

func TestUnknownPathIsLogged(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, path := range []string{"/cgi-bin/message/template/send", "/favicon.ico", "/cgi-bin//token"} {
		expect(t, path, w.call("POST", path, strings.Repeat("x", 1000)), 40066, "invalid url")
	}
	lines, _ := w.requests("")
	if len(lines) != 3 || lines[0]["path"] != "/cgi-bin/message/template/send" || lines[0]["appid"] != nil {
		t.Errorf("lines %v", lines)
	}
}
