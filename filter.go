package wxnotify

import "time"

// A MessageFilter says which messages a list is to hold. What is left zero
// matches everything. Lists are newest first; Cursor is what the page before
// gave, "" the beginning, and belongs to the same filter.
type MessageFilter struct {
	App        string
	To         string // openid
	State      State
	TemplateID string
	Reason     Reason
	Channel    Channel
	Errcode    int               // of the last attempt; 0 is any
	Open       bool              // failed or unknown, and nobody saw to it yet
	Meta       map[string]string // every one of these, by exact value
	Since      time.Time         // created at or after
	Until      time.Time         // created before
	Limit      int               // 1–250
	Cursor     string
}

// A PermitFilter says which permits a list is to hold, as a MessageFilter does.
type PermitFilter struct {
	App    string
	To     string // openid
	Source Source
	State  PermitState
	Limit  int // 1–250
	Cursor string
}
