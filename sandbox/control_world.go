package sandbox

import (
	"net/http"
	"time"
)

// The calls that look at the world as a whole or change what is in it.

// GET /sandbox/state
func getState(s *Sandbox, r *http.Request) (any, error) {
	return s.State(), onlyQuery(r)
}

// POST /sandbox/apps
func postApp(s *Sandbox, r *http.Request) (any, error) {
	a, err := decode[App](r)
	if err != nil {
		return nil, err
	}
	return s.PutApp(a)
}

// POST /sandbox/users
func postUser(s *Sandbox, r *http.Request) (any, error) {
	u, err := decode[User](r)
	if err != nil {
		return nil, err
	}
	return s.AddUser(u)
}

// POST /sandbox/templates
func postTemplate(s *Sandbox, r *http.Request) (any, error) {
	b, err := decode[struct {
		AppID    string    `json:"appid"`
		Channel  string    `json:"channel"`
		Kind     string    `json:"kind"`
		Title    string    `json:"title"`
		Keywords []Keyword `json:"keywords"`
	}](r)
	if err != nil {
		return nil, err
	}
	return s.AddTemplate(Template{AppID: b.AppID, Channel: b.Channel, Kind: orNil(b.Kind), Title: b.Title, Keywords: b.Keywords})
}

// POST /sandbox/quotas
func postQuota(s *Sandbox, r *http.Request) (any, error) {
	b, err := decode[struct {
		AppID    string `json:"appid"`
		Endpoint string `json:"endpoint"`
		Limit    *int   `json:"limit"`
		Used     *int   `json:"used"`
	}](r)
	if err != nil {
		return nil, err
	}
	return s.SetQuota(b.AppID, b.Endpoint, b.Limit, b.Used)
}

// POST /sandbox/clock
func postClock(s *Sandbox, r *http.Request) (any, error) {
	b, err := decode[struct {
		Advance *int64 `json:"advance_seconds"`
	}](r)
	if err != nil {
		return nil, err
	}
	if b.Advance == nil {
		return nil, refuse(422, "advance_seconds is missing")
	}
	if *b.Advance < 0 || *b.Advance > maxAdvance {
		return nil, refuse(422, "advance_seconds must be from 0 to %d: the clock only goes forward; POST /sandbox/reset starts anew", maxAdvance)
	}
	return s.Advance(time.Duration(*b.Advance) * time.Second)
}

// GET /sandbox/clock
func getClock(s *Sandbox, r *http.Request) (any, error) {
	return s.Clock(), onlyQuery(r)
}

// POST /sandbox/reset
func postReset(s *Sandbox, r *http.Request) (any, error) {
	if _, err := decode[struct{}](r); err != nil {
		return nil, err
	}
	s.Reset()
	return s.State(), nil
}
