package sandbox

import (
	"strings"
	"time"
)

// quotaTable holds the daily limits that WeChat's documents name. The limit of
// subscribe/send is that of an account without WeChat Pay.
var quotaTable = []struct {
	endpoint, path string
	limit          int
}{
	{"template/send", "/cgi-bin/message/wxopen/template/send", 1_000_000},
	{"subscribe/send", "/cgi-bin/message/subscribe/send", 10_000_000},
	{"token", "/cgi-bin/token", 2_000},
	{"stable_token", "/cgi-bin/stable_token", 500_000},
}

// quota counts the calls of one day. A new day starts at midnight UTC+8.
type quota struct {
	limit int
	used  tally
}

// spend counts a call that is about to be carried out; false when the day's
// quota is gone.
func (a *app) spend(endpoint string, now time.Time) bool {
	q, day := a.quotas[endpoint], quotaDay(now)
	if q.used.in(day) >= q.limit {
		return false
	}
	q.used.add(day)
	return true
}

// Quota is the state of one daily quota.
type Quota struct {
	AppID    string `json:"appid"`
	Endpoint string `json:"endpoint"`
	Used     int    `json:"used"`
	Limit    int    `json:"limit"`
}

func (a *app) showQuotas(now time.Time) []Quota {
	var all []Quota
	for _, row := range quotaTable {
		q := a.quotas[row.endpoint]
		all = append(all, Quota{a.id, row.endpoint, q.used.in(quotaDay(now)), q.limit})
	}
	return all
}

// SetQuota sets a daily limit, or what is used of it today, or both; nil leaves
// a figure as it is.
func (s *Sandbox) SetQuota(appid, endpoint string, limit, used *int) (Quota, error) {
	if limit == nil && used == nil {
		return Quota{}, refuse(422, "nothing to set: give limit, used, or both")
	}
	if limit != nil && *limit < 0 || used != nil && *used < 0 {
		return Quota{}, refuse(422, "limit and used must not be negative")
	}
	var out Quota
	err := s.do(func(w *world, now time.Time) error {
		a, err := w.app(appid)
		if err != nil {
			return err
		}
		q := a.quotas[endpoint]
		if q == nil {
			return refuse(422, "endpoint %q has no quota; there is one for %s", endpoint, strings.Join(quotaNames(), ", "))
		}
		if limit != nil {
			q.limit = *limit
		}
		if used != nil {
			q.used = tally{quotaDay(now), *used}
		}
		out = Quota{a.id, endpoint, q.used.in(quotaDay(now)), q.limit}
		return nil
	})
	return out, err
}

func quotaNames() []string {
	var names []string
	for _, row := range quotaTable {
		names = append(names, row.endpoint)
	}
	return names
}
