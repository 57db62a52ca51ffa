package sandbox

import (
	"maps"
	"net/http"
	"strconv"
	"time"
)

// The calls that do what a person does on the phone.

type person struct {
	AppID  string `json:"appid"`
	Openid string `json:"openid"`
}

// POST /sandbox/login
func postLogin(s *Sandbox, r *http.Request) (any, error) {
	p, err := decode[person](r)
	if err != nil {
		return nil, err
	}
	code, err := s.Login(p.AppID, p.Openid)
	return struct {
		Code string `json:"code"`
	}{code}, err
}

type several struct {
	AppID  string `json:"appid"`
	Openid string `json:"openid"`
	Count  *int   `json:"count"` // for load tests: so many at once
}

func (v several) count() int {
	if v.Count == nil {
		return 1
	}
	return *v.Count
}

// POST /sandbox/forms
func postForm(s *Sandbox, r *http.Request) (any, error) {
	p, err := decode[several](r)
	if err != nil {
		return nil, err
	}
	return s.SubmitForm(p.AppID, p.Openid, p.count())
}

// POST /sandbox/payments
func postPayment(s *Sandbox, r *http.Request) (any, error) {
	p, err := decode[several](r)
	if err != nil {
		return nil, err
	}
	return s.Pay(p.AppID, p.Openid, p.count())
}

type answers struct {
	AppID      string            `json:"appid"`
	Openid     string            `json:"openid"`
	TemplateID string            `json:"template_id"`
	Result     string            `json:"result"`
	Results    map[string]string `json:"results"`
}

func (a answers) all() (map[string]string, error) {
	one := a.TemplateID != "" || a.Result != ""
	switch {
	case one && a.Results != nil:
		return nil, refuse(422, "give either template_id and result, or results")
	case one:
		return map[string]string{a.TemplateID: a.Result}, nil
	}
	return a.Results, nil
}

// POST /sandbox/subscriptions
//
// The answer is what wx.requestSubscribeMessage gives to the mini program.
func postSubscription(s *Sandbox, r *http.Request) (any, error) {
	return answerSheet(r, s.Subscribe, "requestSubscribeMessage:ok")
}

// POST /sandbox/subscriptions/settings
func postSettings(s *Sandbox, r *http.Request) (any, error) {
	return answerSheet(r, s.ChangeSettings, "openSetting:ok")
}

func answerSheet(r *http.Request, do func(appid, openid string, results map[string]string) error, message string) (any, error) {
	a, err := decode[answers](r)
	if err != nil {
		return nil, err
	}
	results, err := a.all()
	if err != nil {
		return nil, err
	}
	if err := do(a.AppID, a.Openid, results); err != nil {
		return nil, err
	}
	out := map[string]string{"errMsg": message}
	maps.Copy(out, results)
	return out, nil
}

// GET /sandbox/cards
func getCards(s *Sandbox, r *http.Request) (any, error) {
	if err := onlyQuery(r, "appid", "openid", "after", "limit", "wait_ms"); err != nil {
		return nil, err
	}
	after, err := number(r, "after", 0, 0, 1<<62)
	if err != nil {
		return nil, err
	}
	limit, err := number(r, "limit", 1000, 1, 10_000)
	if err != nil {
		return nil, err
	}
	wait, err := number(r, "wait_ms", 0, 0, 60_000)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	cards, last := s.Cards(r.Context(), CardQuery{
		AppID: q.Get("appid"), Openid: q.Get("openid"),
		After: uint64(after), Limit: int(limit), Wait: time.Duration(wait) * time.Millisecond,
	})
	return page[Card]{cards, last}, nil
}

type page[T any] struct {
	Data    []T    `json:"data"`
	LastSeq uint64 `json:"last_seq"`
}

// number reads a whole number from the query.
func number(r *http.Request, name string, absent, least, most int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, refuse(422, "%s must be a whole number from %d to %d", name, least, most)
	}
	return n, nil
}

// POST /sandbox/cards/{seq}/tap
func postTap(s *Sandbox, r *http.Request) (any, error) {
	if _, err := decode[struct{}](r); err != nil {
		return nil, err
	}
	seq, err := pathSeq(r)
	if err != nil {
		return nil, err
	}
	page, err := s.Tap(seq)
	return struct {
		Page *string `json:"page"`
	}{page}, err
}

// POST /sandbox/cards/{seq}/reject
func postReject(s *Sandbox, r *http.Request) (any, error) {
	if _, err := decode[struct{}](r); err != nil {
		return nil, err
	}
	seq, err := pathSeq(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.Reject(seq)
}

func pathSeq(r *http.Request) (uint64, error) {
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return 0, refuse(404, "no card %q; GET /sandbox/cards lists them", r.PathValue("seq"))
	}
	return seq, nil
}
