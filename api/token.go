package api

import "time"

// An AccessToken is WeChat's real one.
type AccessToken struct {
	Token     string `json:"access_token" doc:"WeChat's own, for calls that cannot go through this server."`
	ExpiresIn int    `json:"expires_in" doc:"Seconds after which to ask again. The token itself lives longer, but a rival may kill it at any time." example:"60"`
}

// askAgain is how long a token may be used without asking for it again. The
// keeper's tokens are good for minutes, unless somebody kills them.
const askAgain = time.Minute

// GET /v1/apps/{appid}/access_token
//
// It is the one way out for a real token, and has a scope of its own.
func (d *Door) accessToken(c *call) (answer, error) {
	a, err := d.pathApp(c)
	if err != nil {
		return answer{}, err
	}
	value, _, err := d.Tokens.Get(c.Context(), a)
	if err != nil {
		return answer{}, err
	}
	return ok(AccessToken{value, int(askAgain / time.Second)})
}
