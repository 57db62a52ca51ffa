package wxnotify

import "time"

// A Token is an app's access_token, as the one row that all nodes share has it.
type Token struct {
	Value     Secret    // zero: never fetched, or dropped
	ExpiresAt time.Time // virtual
	Gen       int64     // goes up by one with each renewal; 0: never fetched
	Dead      [32]byte  // SHA-256 of the value that was dropped last; zero: none was
	By        string    // the node that fetched it
	At        time.Time // real: when
}
