package wxnotify

import "time"

// A Role is what somebody may do in the console. Each may all that the ones
// before it may.
type Role string

// The roles: look; send again, cancel, resolve, pause; apps, keys, people.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Admin    Role = "admin"
)

// Roles lists them, the smallest first.
var Roles = []Role{Viewer, Operator, Admin}

// May says whether the role includes what another one may.
func (r Role) May(other Role) bool { return r.rank() > 0 && r.rank() >= other.rank() }

func (r Role) rank() int {
	for i, x := range Roles {
		if x == r {
			return i + 1
		}
	}
	return 0
}

// A ConsoleUser may open the console.
type ConsoleUser struct {
	Name      string
	Role      Role
	Password  Secret // argon2id, encoded; zero: no login by password
	CreatedAt time.Time
	SeenAt    time.Time // of the last login; zero: never
}

// A CauseGroup is what failed or is unknown for one cause and was not seen to.
type CauseGroup struct {
	App        string
	State      State // failed or unknown
	Reason     Reason
	Errcode    int    // of the last attempt; 0: WeChat did not say
	TemplateID string // as posted
	Messages   int
	Users      int
	First      string // the oldest message's id
	Last       string // the newest one's
	At         time.Time
}
