package api

import (
	"time"

	"github.com/wxnotify/wxnotify"
)

// An AppStock is what users have given and has not been used, of an app or of all.
type AppStock struct {
	App       *string          `json:"app" doc:"null: every app."`
	Permits   map[string]int64 `json:"permits" doc:"Free permits by source. Each is one message, but one of longterm as many as you like."`
	Expiry    []StockDay       `json:"expiry" doc:"The same by the day of their end, the soonest first."`
	Templates []StockTemplate  `json:"templates" doc:"Free subscriptions by template."`
	Users     *int64           `json:"users" doc:"Who can be reached: they hold a permit that can still be used, free or reserved for a message. null: not counted yet."`
	UsersAt   *time.Time       `json:"users_at" doc:"When the users were counted. That is done again when it costs less than a fiftieth of the time."`
}

// A StockDay is free permits that end on one day.
type StockDay struct {
	Source string  `json:"source" enum:"form,payment,subscribe,longterm"`
	Days   *int    `json:"days" doc:"0: today, in UTC+8; null: never."`
	EndsOn *string `json:"ends_on" doc:"The day, in UTC+8; null: never." example:"2026-03-11"`
	Free   int64   `json:"free"`
}

// A StockTemplate is free permits for one template.
type StockTemplate struct {
	TemplateID string `json:"template_id"`
	Source     string `json:"source" enum:"subscribe,longterm"`
	Free       int64  `json:"free" doc:"Of longterm these are users."`
}

// GET /v1/stock
func (d *Door) appStock(c *call) (answer, error) {
	app, err := d.appFilter(c)
	if err != nil {
		return answer{}, err
	}
	h, err := d.Reader.Holding(c.Context(), c.now, app)
	if err != nil {
		return answer{}, err
	}
	out := AppStock{App: null(app), Permits: map[string]int64{}, Expiry: []StockDay{}, Templates: []StockTemplate{}}
	for source := range wxnotify.Rules {
		out.Permits[string(source)] = h.Free(source)
	}
	for _, l := range h.Lots { // sorted by source, template and end
		out.day(l, c.now.Virtual)
		out.template(l)
	}
	if !h.UsersAt.IsZero() {
		when := h.UsersAt.Truncate(time.Millisecond)
		out.Users, out.UsersAt = &h.Users, &when
	}
	return ok(out)
}

func (s *AppStock) day(l wxnotify.Lot, now time.Time) {
	day := StockDay{Source: string(l.Source), Free: l.N}
	if !l.Ends.IsZero() {
		n, on := l.Days(now), l.Ends.Add(8*time.Hour).Format(time.DateOnly)
		day.Days, day.EndsOn = &n, &on
	} else if i := len(s.Expiry) - 1; i >= 0 && s.Expiry[i].Source == day.Source && s.Expiry[i].Days == nil {
		s.Expiry[i].Free += l.N // of another template
		return
	}
	s.Expiry = append(s.Expiry, day)
}

func (s *AppStock) template(l wxnotify.Lot) {
	if l.TemplateID == "" {
		return
	}
	s.Templates = append(s.Templates, StockTemplate{TemplateID: l.TemplateID, Source: string(l.Source), Free: l.N})
}
