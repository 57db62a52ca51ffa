package outbox

import (
	"sync"

	"github.com/wxnotify/wxnotify"
)

// A backlog bounds how much of an app may be under way, so that one that
// cannot send does not fill the database of all. It is counted with the sweep;
// in between, what is accepted here is added and what leaves is not taken off.
// On several nodes each adds its own: a bound that is passed a little is one.
type backlog struct {
	limit int // 0: none

	mu sync.Mutex
	n  map[string]int // by app
}

// counted takes over what was counted.
func (l *backlog) counted(ds []wxnotify.Depth) {
	n := make(map[string]int, len(ds))
	for _, d := range ds {
		n[d.App] += int(d.N)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n = n
}

// add takes in entries, and says for which there is no room; nil: for all there is.
func (l *backlog) add(entries []wxnotify.Entry) (full []bool) {
	if l.limit == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range entries {
		app := entries[i].Message.App
		if l.n[app] >= l.limit {
			if full == nil {
				full = make([]bool, len(entries))
			}
			full[i] = true
			continue
		}
		if l.n == nil {
			l.n = map[string]int{}
		}
		l.n[app]++
	}
	return full
}

var errBacklog = wxnotify.Refuse(wxnotify.BacklogFull, "too many messages of this app are under way")

// withRoom are the entries for which there is room, and where they stood; the
// others have their refusal in the receipts.
func withRoom(entries []wxnotify.Entry, full []bool) (room []wxnotify.Entry, at []int, receipts []wxnotify.Receipt) {
	receipts = make([]wxnotify.Receipt, len(entries))
	for i, e := range entries {
		if full[i] {
			receipts[i].Err = errBacklog
			continue
		}
		room, at = append(room, e), append(at, i)
	}
	return room, at, receipts
}
