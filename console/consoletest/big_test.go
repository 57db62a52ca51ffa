//go:build unix

package consoletest

import (
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// How large the database is for the console's figures.
const (
	bigMessages = 5_000_000
	bigPermits  = 1_000_000
	bigUsers    = 300_000
	bigDays     = 90 // over which the messages came
)

// TestBig measures pages of the console with 5,000,000 messages and 1,000,000
// permits in SQLite, and tells the median of several requests. The database is
// made once, in the folder that is named, and takes some minutes and 4 GB.
//
//	WXNOTIFY_BIG=/tmp/big go test -count=1 -v -timeout 2h -run TestBig ./console/consoletest
func TestBig(t *testing.T) {
	dir := os.Getenv("WXNOTIFY_BIG")
	if dir == "" {
		t.Skip("runs with WXNOTIFY_BIG=FOLDER")
	}
	file := filepath.Join(dir, "wxnotify-big.db")
	if _, err := os.Stat(file); err != nil {
		began := time.Now()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		makeBig(t, file)
		t.Logf("the database was made in %s", time.Since(began).Round(time.Second))
	}
	w := startOn(t, "sqlite:"+file)
	link, err := w.server.EnterLink(t.Context())
	w.must(err)
	v := w.visitor()
	v.get(link)
	w.until("a count of the users", func() bool {
		_, body, _ := v.get("/console/")
		return strings.Contains(body, " users reachable")
	})
	now := time.Now()
	hour := fmt.Sprintf("from=%d&to=%d", now.Add(-26*time.Hour).Truncate(time.Hour).Unix(), now.Add(-25*time.Hour).Truncate(time.Hour).Unix())
	for _, path := range []string{
		"/", "/?range=1h", "/?range=6h", "/?range=7d", "/?range=30d", "/permits", "/users", "/attention", "/messages",
		"/messages?state=taken", "/messages?state=failed", "/messages?state=unknown", "/messages?state=waiting", "/messages?reason=data_invalid",
		"/messages?errcode=47003&state=failed", "/messages?open=1&state=failed", "/messages?channel=template", "/messages?template_id=" + sandbox.ClassicTemplate,
		"/messages?touser=" + bigUser(7), "/messages?meta=order=4711", "/messages?range=1h", "/messages?" + hour,
		"/messages?by=rest&state=taken&" + hour, "/messages?by=rest&state=failed&" + hour, "/messages?answer=47003&" + hour, "/messages?answer=lost&" + hour,
		"/messages?by=rest&state=tried&" + hour, "/messages?by=rest&state=missed&" + hour, "/messages?by=rest&state=lost&" + hour, "/messages?by=rest&" + hour,
		"/messages?by=rest&state=canceled&" + hour, "/messages?answer=0&" + hour, "/messages?answer=47003,lost&" + hour, "/messages?answer=45011&" + hour,
		"/messages?by=rest&state=missed&range=7d", "/messages?answer=45011&range=7d",
		"/messages?state=delivered", "/messages?errcode=45011", "/messages?template_id=NONE", "/messages?by=rest&state=taken&template_id=NONE&range=30d", // which go on
		"/messages?state=moving", fmt.Sprintf("/messages?at=%d", now.Add(-25*time.Hour).Truncate(time.Hour).Unix()), fmt.Sprintf("/messages?at=%d", now.Add(-7*24*time.Hour).Truncate(time.Hour).Unix()),
		"/permits?state=free&ends=" + now.Add(80*time.Hour).UTC().Format(time.DateOnly), "/users?ends=" + now.Add(80*time.Hour).UTC().Format(time.DateOnly),
	} {
		var took, busy []time.Duration
		size := 0
		for range 7 {
			began, work := time.Now(), cpu(t)
			status, body, _ := v.get("/console" + path)
			took, busy = append(took, time.Since(began)), append(busy, cpu(t)-work)
			if size = len(body); status != http.StatusOK {
				t.Fatalf("%s: %d", path, status)
			}
		}
		slices.Sort(took)
		slices.Sort(busy)
		t.Logf("%6.1f ms (%.1f to %.1f), %5.1f ms of CPU, %4d kB  %s", ms(took[3]), ms(took[0]), ms(took[6]), ms(busy[3]), size>>10, path)
	}
}

// cpu is what this process has used, server and browser and all.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func bigUser(i int) string { return fmt.Sprintf("oBig%024d", i) }

// makeBig fills a database with rows as a server writes them, and the sums that
// belong to them.
func makeBig(t *testing.T, file string) {
	t.Helper()
	s := storetest.Open(t, "sqlite:"+file+".making", nil)
	if err := s.CreateApp(t.Context(), wxnotify.NewApp(sandbox.FirstAppID)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", file+".making?_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=cache_size(-400000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	b := &big{T: t, tx: tx, random: rand.New(rand.NewPCG(1, 2)), sums: map[sum]int64{}, now: time.Now().Truncate(time.Second)}
	b.prepare()
	for i := range bigMessages {
		b.message(i)
	}
	for i := range bigPermits {
		b.permit(i)
	}
	b.finish()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".making", file); err != nil {
		t.Fatal(err)
	}
}

type sum struct {
	slot int64
	kind string
}

type big struct {
	*testing.T
	tx     *sql.Tx
	random *rand.Rand
	now    time.Time
	sums   map[sum]int64
	stock  map[int64]int64

	messages, queue, meta, attempts, permits *sql.Stmt
}

func (b *big) prepare() {
	b.Helper()
	b.stock = map[int64]int64{}
	for text, stmt := range map[string]**sql.Stmt{
		`insert into message (app, id, openid, template_id, channel, meta, on_unsure, wait, fixed, send_at, expires_at, created_at, key_hash)
			values ('` + sandbox.FirstAppID + `', $1, $2, '` + sandbox.ClassicTemplate + `', 'template', $3, 'hold', 0, 0, $4, $5, $4, '')`: &b.messages,
		`insert into queue (app, id, openid, state, due, permit, number, started_at, owner, tries, lost, mode, reason, evidence, msgid, parked, updated_at, finished_at, errmsg)
			values ('` + sandbox.FirstAppID + `', $1, $2, $3, $4, '', $5, $6, '', $5, 0, '', $7, $8, '', '', $9, $10, $11)`: &b.queue,
		`insert into message_meta (app, name, value, id) values ('` + sandbox.FirstAppID + `', 'order', $1, $2)`: &b.meta,
		`insert into attempt (app, message, number, permit, node, started_at, finished_at, outcome, errcode, errmsg, rid, msgid)
			values ('` + sandbox.FirstAppID + `', $1, 1, '', 'node-1', $2, $3, $4, $5, '', '', '')`: &b.attempts,
		`insert into permit (app, id, openid, source, template_id, use_no, state, cause, message, given_at, expires_at, till)
			values ('` + sandbox.FirstAppID + `', $1, $2, 'form', '', 1, 'free', '', '', $3, $4, $4)`: &b.permits,
	} {
		s, err := b.tx.Prepare(text)
		if err != nil {
			b.Fatal(err)
		}
		*stmt = s
	}
}

func (b *big) do(s *sql.Stmt, args ...any) {
	b.Helper()
	if _, err := s.Exec(args...); err != nil {
		b.Fatal(err)
	}
}

// bigID is one of that time; i keeps those of one millisecond apart.
func bigID(prefix string, at time.Time, i int) string {
	u := uuid.UUID{6: 0x70, 8: 0x80}
	for k, n := range []int{40, 32, 24, 16, 8, 0} {
		u[k] = byte(at.UnixMilli() >> n)
	}
	for k := range 4 {
		u[12+k] = byte(i >> (24 - 8*k))
	}
	return wxnotify.EncodeID(prefix, u)
}

// message is the i-th, the oldest first; a day has its peaks.
func (b *big) message(i int) {
	day, part := math.Modf(float64(i) / bigMessages * bigDays)
	part += math.Sin(4*math.Pi*part) / (4.5 * math.Pi)
	at := b.now.Add(-bigDays*24*time.Hour + time.Duration((day+part)*24*float64(time.Hour)))
	id, to := bigID(wxnotify.MessagePrefix, at, i), bigUser(b.random.IntN(bigUsers))
	order := fmt.Sprint(b.random.IntN(bigMessages))
	end := at.Add(time.Duration(20+b.random.IntN(200)) * time.Millisecond)
	created, ended := at.UnixMilli(), end.UnixMilli()
	state, reason, evidence, number, errmsg := "sent", "", "answered", 1, "ok"
	finished, due := ended, int64(0)
	switch n := b.random.IntN(1000); {
	case i >= bigMessages-5000 && n < 500:
		to = fmt.Sprintf("oNobody%020d", i) // who gives no permit
		state, evidence, number, finished, due = "waiting", "", 0, 0, b.now.Add(100*time.Hour).UnixMilli()
	case n < 15:
		state, reason, evidence, number, finished = "failed", "no_permit", "", 0, 0
	case n < 25:
		state, reason, evidence, finished = "failed", "data_invalid", "", 0
		b.do(b.attempts, id, created, ended, "refused", 47003)
		b.count(end, "errcode/47003", 1)
	case n < 28:
		state, reason, evidence, finished = "unknown", "unresolved", "", 0
		b.do(b.attempts, id, created, ended, "lost", nil)
		b.count(end, "errcode/lost", 1)
	default:
		b.count(end, "errcode/0", 1)
		b.count(end, fmt.Sprint("latency/", wxnotify.BucketOf(end.Sub(at))), 1)
		b.count(end, "used/form", 1)
	}
	b.do(b.messages, id, to, `{"order":"`+order+`"}`, created, created+wxnotify.Lasts.Milliseconds())
	if finished == 0 {
		errmsg = ""
	}
	b.do(b.queue, id, to, state, due, number, created, reason, evidence, ended, finished, errmsg)
	b.do(b.meta, order, id)
	b.count(at, "accepted", 1)
	if kind := strings.TrimSuffix(state+"/"+reason, "/"); state != "waiting" {
		b.count(end, kind, 1)
	}
}

// count adds to the sums, which are kept by the minute for two days.
func (b *big) count(at time.Time, kind string, n int64) {
	slot := at.Truncate(time.Minute)
	if at.Before(b.now.Add(-wxnotify.MinutesKept)) {
		slot = at.Truncate(time.Hour)
	}
	b.sums[sum{slot.UnixMilli(), kind}] += n
}

func (b *big) permit(i int) {
	given := b.now.Add(-time.Duration(float64(bigPermits-i) / bigPermits * float64(7*24*time.Hour-time.Hour)))
	ends := given.Add(7 * 24 * time.Hour)
	b.do(b.permits, bigID(wxnotify.PermitPrefix, given, i), bigUser(b.random.IntN(bigUsers)), given.UnixMilli(), ends.UnixMilli())
	b.count(given, "created/form", 1)
	b.stock[wxnotify.Day(ends).UnixMilli()]++
}

func (b *big) finish() {
	b.Helper()
	must := func(text string, args ...any) {
		if _, err := b.tx.Exec(text, args...); err != nil {
			b.Fatal(err)
		}
	}
	for k, n := range b.sums {
		must(`insert into rollup (app, slot, kind, node, n) values ($1, $2, $3, $4, $5)`, sandbox.FirstAppID, k.slot, k.kind, nodeOf(k.slot, b.now), n)
	}
	for ends, n := range b.stock {
		must(`insert into stock (app, source, template_id, ends, node, n) values ($1, 'form', '', $2, 'node-1', $3)`, sandbox.FirstAppID, ends, n)
	}
	// What retention has been through already.
	must(`insert into progress (name, app, id) values ('contents', $1, $2)`, sandbox.FirstAppID, bigID(wxnotify.MessagePrefix, b.now.Add(-7*24*time.Hour), 0))
}

// nodeOf is whose sum it is: folded ones are nobody's.
func nodeOf(slot int64, now time.Time) string {
	if slot < now.Add(-wxnotify.MinutesKept).UnixMilli() {
		return ""
	}
	return "node-1"
}
