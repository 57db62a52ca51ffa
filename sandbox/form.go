package sandbox

import (
	"strings"
	"time"
)

const (
	formLife    = 7 * 24 * time.Hour
	formUses    = 1
	paymentUses = 3

	// MockForm is what the DevTools hand out for a form id. Here it is one that
	// is good for any user and never used up, so that a mini program can be
	// tried in the DevTools.
	MockForm = "the formId is a mock one"
)

// form is the right to send template messages that a submitted form (one) or a
// payment (three) gave.
type form struct {
	user *user
	uses int
	used int
}

// usableForm finds the form id that a send call names, or the errcode that
// WeChat answers: unknown, expired and another user's look the same to it.
func (w *world) usableForm(id string, u *user, now time.Time) (*form, int) {
	if id == MockForm {
		return nil, 0
	}
	f, ok := w.forms.get(id, now)
	if !ok || f.user != u {
		return nil, 41028
	}
	if f.used >= f.uses {
		return nil, 41029
	}
	return f, 0
}

// SubmittedForms is the answer to a submitted form. FormIDs is there when more
// than one was asked for.
type SubmittedForms struct {
	FormID    string   `json:"form_id"`
	ExpiresAt string   `json:"expires_at"`
	FormIDs   []string `json:"form_ids,omitempty"`
}

// PaidOrders is the answer to a paid order. PrepayIDs is there when more than
// one was asked for.
type PaidOrders struct {
	PrepayID  string   `json:"prepay_id"`
	ExpiresAt string   `json:"expires_at"`
	PrepayIDs []string `json:"prepay_ids,omitempty"`
}

const maxCount = 100_000

// SubmitForm is a user who submits forms with report-submit, count times.
func (s *Sandbox) SubmitForm(appid, openid string, count int) (SubmittedForms, error) {
	ids, ends, err := s.permissions(appid, openid, count, formUses, func(time.Time) string { return newFormID() })
	if err != nil {
		return SubmittedForms{}, err
	}
	f := SubmittedForms{FormID: ids[0], ExpiresAt: stamp(ends)}
	if count > 1 {
		f.FormIDs = ids
	}
	return f, nil
}

// Pay is a user who pays orders, count times.
func (s *Sandbox) Pay(appid, openid string, count int) (PaidOrders, error) {
	ids, ends, err := s.permissions(appid, openid, count, paymentUses, newPrepayID)
	if err != nil {
		return PaidOrders{}, err
	}
	p := PaidOrders{PrepayID: ids[0], ExpiresAt: stamp(ends)}
	if count > 1 {
		p.PrepayIDs = ids
	}
	return p, nil
}

func (s *Sandbox) permissions(appid, openid string, count, uses int, id func(time.Time) string) (ids []string, ends time.Time, err error) {
	if count < 1 || count > maxCount {
		return nil, ends, refuse(422, "count is %d, it must be from 1 to %d", count, maxCount)
	}
	err = s.do(func(w *world, now time.Time) error {
		u, err := w.user(appid, openid)
		if err != nil {
			return err
		}
		ends = now.Add(formLife)
		for range count {
			ids = append(ids, id(now))
			w.forms.put(ids[len(ids)-1], &form{user: u, uses: uses}, ends, now)
		}
		return nil
	})
	return ids, ends, err
}

// newPrepayID is wx, the time of the order to the second, and 20 characters.
func newPrepayID(now time.Time) string {
	var b strings.Builder
	b.WriteString("wx")
	b.WriteString(now.UTC().Add(8 * time.Hour).Format("20060102150405"))
	b.WriteString(randomHex(20))
	return b.String()
}
