package sandbox

import "time"

// journal is a list whose entries are numbered 1, 2, 3 … without gaps and of
// which the newest max are kept.
type journal[T any] struct {
	items []T
	gone  uint64 // how many were dropped from the front
	max   int
}

// add appends v and returns its number.
//
// The list may grow a quarter beyond its bound and is then cut by copying, so
// that a view handed out by after stays as it was and the cost per entry stays
// constant.
func (j *journal[T]) add(v T) uint64 {
	if room := j.max + j.max/4 + 1; len(j.items) >= room {
		cut := len(j.items) - j.max
		j.items = append(make([]T, 0, room), j.items[cut:]...)
		j.gone += uint64(cut)
	}
	j.items = append(j.items, v)
	return j.last()
}

// last is the number of the newest entry, 0 before the first.
func (j *journal[T]) last() uint64 { return j.gone + uint64(len(j.items)) }

// after returns the kept entries above seq, oldest first. The result may be
// read without the lock; it must not be changed.
func (j *journal[T]) after(seq uint64) []T {
	kept := j.items
	first := j.gone
	if len(kept) > j.max {
		first += uint64(len(kept) - j.max)
		kept = kept[len(kept)-j.max:]
	}
	if seq <= first {
		return kept
	}
	if seq >= j.last() {
		return nil
	}
	return kept[seq-first:]
}

// get returns entry seq if it is still kept.
func (j *journal[T]) get(seq uint64) (v T, ok bool) {
	if seq == 0 || seq <= j.gone || seq > j.last() {
		return v, false
	}
	return j.items[seq-j.gone-1], true
}

// expiring holds what dies at a known time: codes, form ids. All that goes into
// one queue lives equally long, so the oldest are always the first to go. What
// has died is forgotten, because WeChat answers alike for dead and for unknown.
type expiring[T any] struct {
	byID  map[string]T
	queue []deadline
}

type deadline struct {
	id string
	at time.Time
}

func (e *expiring[T]) put(id string, v T, at, now time.Time) {
	e.sweep(now)
	if e.byID == nil {
		e.byID = map[string]T{}
	}
	e.byID[id] = v
	e.queue = append(e.queue, deadline{id, at})
}

func (e *expiring[T]) get(id string, now time.Time) (v T, ok bool) {
	e.sweep(now)
	v, ok = e.byID[id]
	return v, ok
}

func (e *expiring[T]) sweep(now time.Time) {
	for len(e.queue) > 0 && !now.Before(e.queue[0].at) {
		delete(e.byID, e.queue[0].id)
		e.queue[0] = deadline{}
		e.queue = e.queue[1:]
	}
}
