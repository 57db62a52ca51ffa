package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A Figure is one part's measurement. CPU is in microseconds per message, user
// and system; 0 where it cannot be read.
type Figure struct {
	Messages    int     `json:"messages"`
	Seconds     float64 `json:"seconds"`
	PerSecond   float64 `json:"per_second"`
	ServerCPU   float64 `json:"server_cpu_us"`
	DatabaseCPU float64 `json:"database_cpu_us"` // PostgreSQL's; SQLite is the server's
	SandboxCPU  float64 `json:"sandbox_cpu_us"`
	ClientCPU   float64 `json:"client_cpu_us"` // of this program, which posts
}

// CPU is what one message costs the one who runs it: server and database.
func (f Figure) CPU() float64 { return f.ServerCPU + f.DatabaseCPU }

// A Database is what was found with one.
type Database struct {
	Name    string `json:"name"`
	Version string `json:"version"`

	Ceiling  Figure         `json:"ceiling"` // 64 connections
	Bare     map[int]Figure `json:"bare"`    // by calls at once, each taking 30 ms
	BareRSS  int64          `json:"bare_rss"`
	BareIdle float64        `json:"bare_idle_ms"`

	Singles  map[int]Figure `json:"singles"` // by connections
	Batches  map[int]Figure `json:"batches"` // by size
	Drain    Figure         `json:"drain"`
	EndToEnd Figure         `json:"end_to_end"` // accept in batches of 500, then drain
	Together Figure         `json:"together"`
	Slow     map[int]Figure `json:"slow"` // by calls at once
	RSS      int64          `json:"rss"`  // of the server at 1,024 calls at once, in bytes
	Idle     Latency        `json:"idle"`

	QueuedBytes float64 `json:"queued_bytes"` // on disk, for each waiting message
	BodyBytes   int     `json:"body_bytes"`

	Short, Long *Figure `json:",omitempty"` // drain with a short and with a long backlog behind
	Backlog     int     `json:"backlog"`
	Large       *Figure `json:"large_ledger,omitempty"` // accept and drain with many permits of others
	Permits     int     `json:"permits"`
}

// A Latency is of one message in peace, from the post until its answer says
// sent, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// A Report is a run.
type Report struct {
	Program   string        `json:"-"`
	Version   string        `json:"version"`
	Machine   string        `json:"machine"`
	Started   time.Time     `json:"started_at"`
	Took      time.Duration `json:"-"`
	Size      size          `json:"-"`
	Databases []*Database   `json:"databases"`
}

// A row of the table: a ratio, what it is made of, and what it should be.
type row struct {
	what  string
	ratio float64
	must  string
	made  string
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func (d *Database) rows() []row {
	c := d.Ceiling
	lite := d.Name == "sqlite"
	pick := func(sqlite, postgres string) string {
		if lite {
			return sqlite
		}
		return postgres
	}
	rows := []row{
		{"accept and send, over a bare client", over(d.EndToEnd.PerSecond, c.PerSecond), pick("≥ 0.35", "≥ 0.30"), perSecond(d.EndToEnd, c)},
		{"CPU per message, over a bare client", over(d.EndToEnd.CPU(), c.ClientCPU), pick("≤ 3", "≤ 4"), fmt.Sprintf("%.1f of %.1f µs", d.EndToEnd.CPU(), c.ClientCPU)},
		{"send alone, over a bare client", over(d.Drain.PerSecond, c.PerSecond), "", perSecond(d.Drain, c)},
		{"accept while sending, over a bare client", over(d.Together.PerSecond, c.PerSecond), "", perSecond(d.Together, c)},
		{"batches of 100, over single posts", over(d.Batches[100].PerSecond, d.Singles[64].PerSecond), "≥ 2", perSecond(d.Batches[100], d.Singles[64])},
		{"batches of 1,000, over single posts", over(d.Batches[1000].PerSecond, d.Singles[64].PerSecond), "", perSecond(d.Batches[1000], d.Singles[64])},
	}
	for _, n := range []int{256, 1024} {
		must := ""
		if n == 256 {
			must = "≥ 0.80"
		}
		ideal := float64(n) / slowness.Seconds()
		rows = append(rows, row{fmt.Sprintf("30 ms upstream, %d at once, over the ideal", n), over(d.Slow[n].PerSecond, ideal), must,
			fmt.Sprintf("%.0f of %.0f/s; bare client %.0f/s", d.Slow[n].PerSecond, ideal, d.Bare[n].PerSecond)})
	}
	rows = append(rows,
		row{"memory at 1,024 at once, over a bare client", over(float64(d.RSS), float64(d.BareRSS)), "≤ 2", fmt.Sprintf("%d of %d MB", d.RSS>>20, d.BareRSS>>20)},
		row{"bytes of a waiting message, over its body", over(d.QueuedBytes, float64(d.BodyBytes)), "≤ 2", fmt.Sprintf("%.0f of %d bytes", d.QueuedBytes, d.BodyBytes)})
	if d.Long != nil {
		rows = append(rows,
			row{fmt.Sprintf("cost with %s waiting, over none", thousands(d.Backlog)), over(d.Long.CPU(), d.Short.CPU()), "≤ 1.3", fmt.Sprintf("%.1f of %.1f µs; %.0f of %.0f/s", d.Long.CPU(), d.Short.CPU(), d.Long.PerSecond, d.Short.PerSecond)},
			row{fmt.Sprintf("cost with %s permits, over few", thousands(d.Permits)), over(d.Large.CPU(), d.EndToEnd.CPU()), "≤ 2", fmt.Sprintf("%.1f of %.1f µs; %.0f of %.0f/s", d.Large.CPU(), d.EndToEnd.CPU(), d.Large.PerSecond, d.EndToEnd.PerSecond)})
	}
	return rows
}

func perSecond(a, b Figure) string { return fmt.Sprintf("%.0f of %.0f/s", a.PerSecond, b.PerSecond) }

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "wxnotify %s on %s\n", r.Version, r.Machine)
	for _, d := range r.Databases {
		fmt.Fprintf(w, "\n%s, every commit flushed\n\n", d.Version)
		fmt.Fprintf(w, "  %-50s %6s  %-7s %s\n", "", "ratio", "must", "")
		for _, x := range d.rows() {
			fmt.Fprintf(w, "  %-50s %6.2f  %-7s %s\n", x.what, x.ratio, x.must, x.made)
		}
		fmt.Fprintf(w, "\n  one message in peace: %.2f ms from the post until WeChat has answered (p99 %.2f), of which the call itself %.2f ms\n",
			d.Idle.P50, d.Idle.P99, d.BareIdle)
		fmt.Fprintf(w, "\n  %-34s %10s %10s %10s %10s %10s\n", "", "messages/s", "server µs", "database", "sandbox", "client")
		for _, x := range d.figures() {
			fmt.Fprintf(w, "  %-34s %10.0f %10.1f %10.1f %10.1f %10.1f\n", x.what, x.f.PerSecond, x.f.ServerCPU, x.f.DatabaseCPU, x.f.SandboxCPU, x.f.ClientCPU)
		}
	}
	fmt.Fprintf(w, "\nEach message arrived once and no form_id was used twice. Took %.0f s.\n", r.Took.Seconds())
	fmt.Fprintln(w, "Ratios hold within a run; the absolute figures move with the machine's neighbours. µs is CPU time per message.")
}

type named struct {
	what string
	f    Figure
}

func (d *Database) figures() []named {
	all := []named{{"bare client, 64 connections", d.Ceiling}}
	for _, n := range []int{1, 64, 256} {
		all = append(all, named{fmt.Sprintf("single posts, %s", plural(n, "connection")), d.Singles[n]})
	}
	for _, n := range []int{100, 1000} {
		all = append(all, named{fmt.Sprintf("batches of %s", thousands(n)), d.Batches[n]})
	}
	return append(all, named{"send what was accepted", d.Drain}, named{"accept in batches of 500, then send", d.EndToEnd},
		named{"accept and send at the same time", d.Together}, named{"30 ms upstream, 256 at once", d.Slow[256]}, named{"30 ms upstream, 1,024 at once", d.Slow[1024]})
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// thousands writes 1000000 as 1,000,000.
func thousands(n int) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
