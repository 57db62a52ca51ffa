package bench

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// slowness is how long the upstream takes where it is slow.
const slowness = 30 * time.Millisecond

func ceiling(w *world, s size, d *Database) (err error) {
	d.Version = w.data.version(w.ctx)
	d.Ceiling, _, err = w.bare(64, s.Messages)
	if err != nil {
		return err
	}
	at, _, err := w.bare(1, s.Idle)
	d.BareIdle = at.Seconds / float64(s.Idle) * 1000
	return err
}

// singles posts one message at a time over 1, 64 and 256 connections, while
// nothing is sent. What it leaves is sent by part drain.
func singles(w *world, s size, d *Database) error {
	d.Singles = map[int]Figure{}
	return w.paused(func() error {
		for _, conns := range []int{1, 64, 256} {
			n := s.Single
			if conns == 1 {
				n /= 4
			}
			f, err := w.accept(n, 1, conns)
			if err != nil {
				return err
			}
			d.Singles[conns] = f
		}
		return nil
	})
}

func batches(w *world, s size, d *Database) error {
	d.Batches = map[int]Figure{}
	return w.paused(func() error {
		for size, conns := range map[int]int{100: 8, 1000: 4} {
			f, err := w.accept(s.Messages, size, conns)
			if err != nil {
				return err
			}
			d.Batches[size] = f
		}
		return nil
	})
}

// paused runs accept while nothing is sent, sends what it accepted, and checks
// that all of it arrived.
func (w *world) paused(accept func() error) error {
	if err := w.pause(); err != nil {
		return err
	}
	first := w.ledger.next
	if err := accept(); err != nil {
		return err
	}
	if err := w.resume(); err != nil {
		return err
	}
	n := w.ledger.next - first
	if err := w.arrive(n); err != nil {
		return err
	}
	return w.check(first, n)
}

// accept hands n permits in, and then measures posting n messages in batches
// of size over conns connections.
func (w *world) accept(n, size, conns int) (Figure, error) {
	forms, err := w.stock(n / size * size)
	if err != nil {
		return Figure{}, err
	}
	n = len(forms)
	m := w.meter()
	err = w.volley(forms, w.ledger.numbers(n), size, conns).fire(w.ctx, w.http)
	return m.stop(n), err
}

// stock hands in n permits, and returns whose they are.
func (w *world) stock(n int) ([]form, error) {
	forms, err := w.forms(n)
	if err != nil {
		return nil, err
	}
	return forms, w.deposit(forms)
}

// volley posts a message for each form to its user, and leaves to the ledger
// which of the user's permits it takes.
func (w *world) volley(forms []form, first, size, conns int) volley {
	v := volley{url: w.server.url + "/v1/messages", key: w.key, conns: conns, n: len(forms) / size, status: http.StatusAccepted,
		good: func(a []byte) bool { return !bytes.Contains(a, []byte(`"error"`)) },
		body: func(b []byte, i int) []byte { return appendBody(b, first+i, forms[i].openid, "") }}
	if size > 1 {
		v.url += "/batch"
		v.body = func(b []byte, i int) []byte {
			b = append(b, `{"messages":[`...)
			for k := i * size; k < (i+1)*size; k++ {
				if k > i*size {
					b = append(b, ',')
				}
				b = appendBody(b, first+k, forms[k].openid, "")
			}
			return append(b, "]}"...)
		}
	}
	return v
}

// drain accepts in batches of 500 and then sends.
func drain(w *world, s size, d *Database) (err error) {
	var accepted Figure
	var waiting int64
	if d.Drain, accepted, err = w.drain(s.Messages, &waiting, nil); err != nil {
		return err
	}
	d.QueuedBytes = float64(waiting) / float64(d.Drain.Messages)
	d.BodyBytes = len(appendBody(nil, 100_000, w.users[0], ""))
	d.EndToEnd = accepted.plus(d.Drain)
	return nil
}

// drain accepts n messages in batches of 500 while nothing is sent, calls
// between, and then sends them all. size is how much the database grew by those
// who wait.
func (w *world) drain(n int, size *int64, between func() error) (sent, accepted Figure, err error) {
	if err := w.pause(); err != nil {
		return sent, accepted, err
	}
	forms, err := w.stock(n / 500 * 500)
	if err != nil {
		return sent, accepted, err
	}
	before := w.data.size(w.ctx)
	n, first := len(forms), w.ledger.numbers(len(forms))
	m := w.meter()
	if err := w.volley(forms, first, 500, 4).fire(w.ctx, w.http); err != nil {
		return sent, accepted, err
	}
	accepted = m.stop(n)
	if size != nil {
		*size = w.data.size(w.ctx) - before
	}
	if between != nil {
		if err := between(); err != nil {
			return sent, accepted, err
		}
	}
	m = w.meter()
	if err := w.resume(); err != nil {
		return sent, accepted, err
	}
	if err := w.arrive(n); err != nil {
		return sent, accepted, err
	}
	sent = m.stop(n)
	return sent, accepted, w.check(first, n)
}

// plus is two parts of the same messages, one after the other.
func (f Figure) plus(g Figure) Figure {
	f.Seconds += g.Seconds
	f.PerSecond = float64(f.Messages) / f.Seconds
	f.ServerCPU += g.ServerCPU
	f.DatabaseCPU += g.DatabaseCPU
	f.SandboxCPU += g.SandboxCPU
	f.ClientCPU += g.ClientCPU
	return f
}

func together(w *world, s size, d *Database) error {
	n := s.Messages / 500 * 500
	forms, err := w.stock(n)
	if err != nil {
		return err
	}
	first := w.ledger.numbers(n)
	m := w.meter()
	if err := w.volley(forms, first, 500, 2).fire(w.ctx, w.http); err != nil {
		return err
	}
	if err := w.arrive(n); err != nil {
		return err
	}
	d.Together = m.stop(n)
	return w.check(first, n)
}

func slow(conns int) func(*world, size, *Database) error {
	return func(w *world, s size, d *Database) error {
		if d.Slow == nil {
			d.Slow, d.Bare = map[int]Figure{}, map[int]Figure{}
		}
		if err := w.phone(http.MethodPost, "faults", map[string]any{"endpoint": "template/send", "effect": "slow", "delay_ms": slowness.Milliseconds()}, nil); err != nil {
			return err
		}
		bare, rss, err := w.bare(conns, s.Messages)
		if err != nil {
			return err
		}
		d.Bare[conns] = bare
		if err := w.inFlight(conns); err != nil {
			return err
		}
		watch := watchRSS(w.server.pid())
		d.Slow[conns], _, err = w.drain(s.Messages, nil, nil)
		if most := watch(); conns == 1024 {
			d.RSS, d.BareRSS = most, rss
		}
		if err != nil {
			return err
		}
		if err := w.inFlight(256); err != nil {
			return err
		}
		return w.phone(http.MethodDelete, "faults", nil, nil)
	}
}

// idle sends messages one after the other and waits for each.
func idle(w *world, s size, d *Database) error {
	forms, err := w.stock(s.Idle)
	if err != nil {
		return err
	}
	first := w.ledger.numbers(s.Idle)
	v := w.volley(forms, first, 1, 1)
	v.url += "?wait_ms=10000"
	v.good = func(a []byte) bool { return bytes.Contains(a, []byte(`"state":"sent"`)) }
	times := make([]float64, 0, s.Idle)
	var answer bytes.Buffer
	for i := range forms {
		began := time.Now()
		if err := v.post(w.ctx, w.http, v.body(nil, i), &answer); err != nil {
			return err
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(times)
	d.Idle = Latency{times[len(times)/2], times[len(times)*99/100]}
	return w.check(first, s.Idle)
}

// behind measures sending while n others wait behind what is sent, in a
// database that holds nothing else.
func behind(n int) func(*world, size, *Database) error {
	return func(w *world, s size, d *Database) error {
		if err := w.fresh(); err != nil {
			return err
		}
		f, _, err := w.drain(s.Messages, nil, func() error {
			return w.restart(func() error { return w.fillQueue(n) })
		})
		if err != nil {
			return err
		}
		if n == 0 {
			d.Short = &f
		} else {
			d.Long, d.Backlog = &f, n
		}
		return nil
	}
}

// ledger measures accepting and sending where n permits of others lie about.
func ledger(n int) func(*world, size, *Database) error {
	return func(w *world, s size, d *Database) error {
		if err := w.fresh(); err != nil {
			return err
		}
		if _, err := w.stock(1); err != nil { // to make the others like it
			return err
		}
		if err := w.restart(func() error { return w.fillPermits(n) }); err != nil {
			return err
		}
		sent, accepted, err := w.drain(s.Messages, nil, nil)
		if err != nil {
			return err
		}
		f := accepted.plus(sent)
		d.Large, d.Permits = &f, n
		return nil
	}
}

func (w *world) fillQueue(n int) error {
	if n == 0 {
		return nil
	}
	if err := w.data.clone(w.ctx, "message", n, map[string]string{"id": "id || '_' || (10000000 + i)", "openid": "'o_other_' || i"}); err != nil {
		return fmt.Errorf("fill the backlog: %w", err)
	}
	if err := w.data.clone(w.ctx, "queue", n, map[string]string{"id": "id || '_' || (10000000 + i)", "openid": "'o_other_' || i", "due": "due + 60"}); err != nil {
		return fmt.Errorf("fill the backlog: %w", err)
	}
	return nil
}

func (w *world) fillPermits(n int) error {
	if err := w.data.clone(w.ctx, "permit", n, map[string]string{"id": "id || '_' || (10000000 + i)", "openid": "'o_other_' || (i / 5)", "code_hash": "null"}); err != nil {
		return fmt.Errorf("fill the ledger: %w", err)
	}
	return nil
}
