package bench

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/sandbox"
)

// build makes the program that is to be measured.
func build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wxnotify")
	out, err := exec.Command("go", "build", "-o", file, "../cmd/wxnotify").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// Every part runs, on both databases, with little.
func TestEveryPartIsMeasured(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the processes that are measured are built without the race detector")
	}
	dsn := os.Getenv("WXNOTIFY_TEST_POSTGRES")
	if dsn == "" {
		t.Fatal("WXNOTIFY_TEST_POSTGRES is not set: `make test` starts a PostgreSQL and sets it; `make postgres` starts one for you alone")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s := size{Messages: 1000, Single: 256, Idle: 5, Backlog: 2000, Ledger: 2000}
	r := &Report{Machine: machine(), Size: s}
	var progress bytes.Buffer
	o := Options{Program: build(t), Dir: t.TempDir(), Postgres: wxnotify.NewSecret(dsn), Progress: &progress}
	for _, name := range []string{"sqlite", "postgres"} {
		if err := measure(ctx, o, name, r, newBar(o.Progress, 2*parts(s))); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range r.Databases {
		for _, x := range d.rows() {
			// CPU comes in ticks of 10 ms: of so little it may be none.
			if x.ratio <= 0 && !strings.Contains(x.made, "µs") {
				t.Errorf("%s: %s: %v (%s)", d.Name, x.what, x.ratio, x.made)
			}
		}
		if d.Idle.P50 <= 0 || d.Idle.P99 < d.Idle.P50 {
			t.Errorf("%s: %+v", d.Name, d.Idle)
		}
	}
	var out bytes.Buffer
	r.Print(&out)
	for _, part := range []string{"SQLite 3", "PostgreSQL", "cost with 2,000 waiting", "Each message arrived once"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, out.String())
		}
	}
	if left, err := filepath.Glob(filepath.Join(o.Dir, "*")); err != nil || left != nil {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// What a figure is worth: the check sees what was sent twice, lost, or not sent at all.
func TestTheCheckSees(t *testing.T) {
	t.Parallel()
	w := &world{ctx: t.Context(), http: http.DefaultClient, ledger: tally{forms: map[string]bool{}}}
	sim := sandbox.Start(t, sandbox.Options{})
	w.sandbox = &child{url: sim.URL}
	forms := []form{}
	for range 4 {
		f, err := sim.SubmitForm(sandbox.FirstAppID, sandbox.FirstUser, 1)
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, form{sandbox.FirstUser, f.FormID})
	}
	token, err := w.token()
	if err != nil {
		t.Fatal(err)
	}
	send := func(number int, f form) {
		t.Helper()
		v := volley{url: sim.URL + "/cgi-bin/message/wxopen/template/send?access_token=" + token, conns: 1, n: 1, status: 200, good: taken,
			body: func(b []byte, _ int) []byte { return appendBody(b, number, f.openid, f.id) }}
		if err := v.fire(t.Context(), w.http); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(first, n int, want string) {
		t.Helper()
		if err := w.check(first, n); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	send(0, forms[0])
	expect(0, 1, "")
	expect(1, 1, "did not arrive")
	send(1, forms[1])
	send(1, forms[2])
	expect(1, 2, "arrived twice")
	w.ledger.cards = 3
	send(9, forms[3])
	expect(2, 1, "not sent")
	w.ledger.cards = 0
	expect(0, 1, "form_id was used twice")
}
