package sandbox

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// The calls that look at what was asked of WeChat, and break it.

// GET /sandbox/requests
func getRequests(s *Sandbox, r *http.Request) (any, error) {
	if err := onlyQuery(r, "after", "limit"); err != nil {
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
	requests, last := s.Requests(uint64(after), int(limit))
	return page[Request]{requests, last}, nil
}

// POST /sandbox/faults
func postFault(s *Sandbox, r *http.Request) (any, error) {
	f, err := decode[Fault](r)
	if err != nil {
		return nil, err
	}
	if f.ID != "" || f.Hits != 0 {
		return nil, refuse(422, "id and hits are the sandbox's to give")
	}
	id, err := s.AddFault(f)
	return struct {
		ID string `json:"id"`
	}{id}, err
}

// GET /sandbox/faults
func getFaults(s *Sandbox, r *http.Request) (any, error) {
	return struct {
		Data []Fault `json:"data"`
	}{s.Faults()}, onlyQuery(r)
}

// DELETE /sandbox/faults[/{id}]
func deleteFaults(s *Sandbox, r *http.Request) (any, error) {
	if _, err := decode[struct{}](r); err != nil {
		return nil, err
	}
	return struct{}{}, s.RemoveFaults(r.PathValue("id"))
}

// POST /sandbox/tokens/revoke
func postRevoke(s *Sandbox, r *http.Request) (any, error) {
	b, err := decode[struct {
		AppID string `json:"appid"`
	}](r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.RevokeTokens(b.AppID)
}

// GET /sandbox/events
func getEvents(s *Sandbox, r *http.Request) (any, error) {
	if err := onlyQuery(r, "after", "limit"); err != nil {
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
	events, last := s.Events(uint64(after), int(limit))
	return page[*Event]{events, last}, nil
}

// POST /sandbox/events
//
// The answer comes after the last delivery.
func postEvent(s *Sandbox, r *http.Request) (any, error) {
	b, err := decode[struct {
		AppID string         `json:"appid"`
		Event jsontext.Value `json:"event"`
	}](r)
	if err != nil {
		return nil, err
	}
	return s.PushEvent(r.Context(), b.AppID, b.Event)
}
