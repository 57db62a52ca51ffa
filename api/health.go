package api

import "net/http"

// A Health says that the process lives, or that it can take work.
type Health struct {
	Status string `json:"status" enum:"alive,ready"`
}

// GET /healthz
func (d *Door) healthz(*call) (answer, error) {
	return answer{status: http.StatusOK, body: Health{"alive"}}, nil
}

// GET /readyz
func (d *Door) readyz(c *call) (answer, error) {
	if err := d.Ready(c.Context()); err != nil {
		return answer{}, err
	}
	return ok(Health{"ready"})
}
