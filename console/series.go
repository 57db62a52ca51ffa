package console

import (
	"sync"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A memory keeps series that were read, for pages that look again and again.
type memory struct {
	mu   sync.Mutex
	held map[wxnotify.SeriesFilter]remembered
}

type remembered struct {
	points []wxnotify.Point
	until  time.Time // real
}

// memoryMost bounds a memory; it is emptied when it is full.
const memoryMost = 200

// remembered reads a series, or gives the one that was read not longer ago than
// lasts. Nobody may change its points.
func (d *Door) remembered(c *call, f wxnotify.SeriesFilter, lasts time.Duration) ([]wxnotify.Point, error) {
	d.memory.mu.Lock()
	r := d.memory.held[f]
	d.memory.mu.Unlock()
	if c.Now.Real.Before(r.until) {
		return r.points, nil
	}
	points, err := d.Reader.Series(c.ctx(), f)
	if err != nil {
		return nil, err
	}
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	if d.memory.held == nil || len(d.memory.held) >= memoryMost {
		d.memory.held = map[wxnotify.SeriesFilter]remembered{}
	}
	d.memory.held[f] = remembered{points, c.Now.Real.Add(lasts)}
	return points, nil
}

// rangeSeries reads the series of a range: what is told by the hour needs not be of
// this second.
func (d *Door) rangeSeries(c *call, f wxnotify.SeriesFilter) ([]wxnotify.Point, error) {
	if f.Step >= time.Hour {
		return d.remembered(c, f, 30*time.Second)
	}
	return d.Reader.Series(c.ctx(), f)
}
