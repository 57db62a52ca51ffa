package wechat

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
)

func TestTokensOfAnotherServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status       int
		answer, path string
		want         string
		life         time.Duration
	}{
		"as WeChat has it":      {200, `{"access_token":"T","expires_in":7200}`, "access_token", "T", 2 * time.Hour},
		"somewhere inside":      {200, `{"code":0,"data":{"token":{"value":"T","expires_in":"90"}}}`, "data.token.value", "T", 90 * time.Second},
		"without an end":        {200, `{"token":"T"}`, "token", "T", 5 * time.Minute},
		"with a strange end":    {200, `{"token":"T","expires_in":-1}`, "token", "T", 5 * time.Minute},
		"an end from elsewhere": {200, `{"token":"T","expires_in":99999999999}`, "token", "T", 5 * time.Minute},
		"nothing there":         {200, `{"data":{}}`, "data.token", "", 0},
		"null":                  {200, `{"token":null}`, "token", "", 0},
		"an object":             {200, `{"token":{"a":1}}`, "token", "", 0},
		"text on the way":       {200, `{"data":"T"}`, "data.token", "", 0},
		"no JSON":               {200, `T`, "token", "", 0},
		"forbidden":             {403, `{"token":"T"}`, "token", "", 0},
	} {
		var asked string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.RequestURI
			w.WriteHeader(c.status)
			io.WriteString(w, c.answer)
		}))
		from, err := NewCentral(wxnotify.NewSecret(s.URL+"/token/{appid}?app={appid}&key=canary"), c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		value, life, err := from.FetchToken(t.Context(), app, true)
		from.Close()
		s.Close()
		if value.Reveal() != c.want || life != c.life || (err == nil) != (c.want != "") {
			t.Errorf("%s: got %q for %s, %v", name, value.Reveal(), life, err)
		}
		if want := "/token/" + app.ID + "?app=" + app.ID + "&key=canary"; asked != want {
			t.Errorf("%s: asked %s, want %s", name, asked, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhereNoTokensCanBe(t *testing.T) {
	t.Parallel()
	for url, path := range map[string]string{
		"":                         "token",
		"host/token":               "token",
		"ftp://host/token":         "token",
		"https://u:canary@host":    "token",
		"https://host/#canary":     "token",
		"https://host/%zz?canary":  "token",
		"https://host/?key=canary": "a..b",
		"https://host/?canary":     "",
	} {
		if _, err := NewCentral(wxnotify.NewSecret(url), path, nil); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s with %q: %v", url, path, err)
		}
	}
}
