package doctor_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/doctor"
	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/server"
	"github.com/wxnotify/wxnotify/store"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// found is what a doctor says of a database, by check. There is no WeChat but
// that at the address.
func found(t *testing.T, dsn string, zh bool, far ...string) map[string]doctor.Line {
	t.Helper()
	conf := server.Config{Database: wxnotify.NewSecret(dsn), MasterKey: wxnotify.NewSecret(hex.EncodeToString(storetest.MasterKey)), WeChatURL: "http://127.0.0.1:1"}
	if len(far) > 0 {
		conf.WeChatURL = far[0]
	}
	return foundWith(t, conf, zh)
}

// foundWith is what a doctor says of settings, by check.
func foundWith(t *testing.T, conf server.Config, zh bool) map[string]doctor.Line {
	t.Helper()
	conf = conf.Defaults()
	all := map[string]doctor.Line{}
	doctor.New(slog.New(slog.DiscardHandler), conf, zh, func(l doctor.Line) {
		if l.State == doctor.Wrong && (l.Text == "" || l.Do == "" || strings.Contains(l.Text+l.Do, "%!")) {
			t.Errorf("%s: %q, %q", l.Check, l.Text, l.Do)
		}
		all[l.Check] = l
	}).Run(t.Context())
	return all
}

func TestADatabaseThatIsInUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db storetest.Database) {
		dsn := db(t)
		storetest.Open(t, dsn, nil)
		all := found(t, dsn, false)
		for _, check := range []string{"settings", "database", "clock", "schema", "master key", "apps"} {
			if all[check].State != doctor.OK {
				t.Errorf("%s: %+v", check, all[check])
			}
		}
	})
}

// The tests' PostgreSQL does not flush, and that is found out.
func TestADatabaseThatMayLoseWhatWasAccepted(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var fsync string
	if err := db.QueryRow(`show fsync`).Scan(&fsync); err != nil {
		t.Fatal(err)
	}
	want := map[string]doctor.State{"off": doctor.Wrong, "on": doctor.OK}[fsync]
	if l := found(t, dsn, true)["durability"]; l.State != want {
		t.Errorf("fsync is %s: %+v", fsync, l)
	}
}

func TestTablesOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change string
		want   doctor.State
	}{
		"older":                  {`delete from goose_db_version where version_id > 1`, doctor.Wrong},
		"newer":                  {`insert into goose_db_version (version_id, is_applied) values (99999, 1)`, doctor.OK},
		"in the midst of a move": {`create table wxnotify_move (name text)`, doctor.Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := closed(t, storetest.SQLite(t), nil)
			change(t, "sqlite", strings.TrimPrefix(dsn, "sqlite:"), c.change)
			if l := found(t, dsn, true)["schema"]; l.State != c.want {
				t.Errorf("got %+v", l)
			}
		})
	}
}

func TestHowMuchRoomADiskNeeds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		free, size uint64
		want       bool
	}{{512 << 20, 0, false}, {512<<20 - 1, 0, true}, {1 << 30, 10 << 30, false}, {1<<30 - 1, 10 << 30, true}} {
		if got := doctor.Tight(c.free, c.size); got != c.want {
			t.Errorf("%d free for %d: %v", c.free, c.size, got)
		}
	}
}

// A log as large as that is a sparse file, of which SQLite reads nothing.
func TestADiskThatIsNearlyFull(t *testing.T) {
	t.Parallel()
	dsn := closed(t, storetest.SQLite(t), nil)
	if l := found(t, dsn, false)["disk"]; l.State != doctor.OK {
		t.Errorf("with room: %+v", l)
	}
	path := strings.TrimPrefix(dsn, "sqlite:")
	free, err := doctor.FreeSpace(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err = os.Truncate(path+"-wal", 11*int64(free))
	if errors.Is(err, syscall.EFBIG) {
		t.Skip("this file system has no files so large; TestHowMuchRoomADiskNeeds still holds the rule")
	}
	if err != nil {
		t.Fatal(err)
	}
	if l := found(t, dsn, false)["disk"]; l.State != doctor.Wrong || !strings.Contains(l.Do, "make room") {
		t.Errorf("without: %+v", l)
	}
}

// closed makes a database, has f put something into it, and closes it.
func closed(t *testing.T, dsn string, f func(*store.Store) error) string {
	t.Helper()
	s, err := storetest.TryOpen(t, dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f != nil {
		if err := f(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// The database's clock is a minute ahead: a function of the same name stands in
// front of PostgreSQL's own.
func TestAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	dsn := closed(t, storetest.Postgres(t), nil)
	change(t, "pgx", dsn, `create schema ahead`)
	change(t, "pgx", dsn, `create function ahead.clock_timestamp() returns timestamptz language sql as $$ select pg_catalog.clock_timestamp() + interval '1 minute' $$`)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "ahead,pg_catalog,public")
	u.RawQuery = q.Encode()
	if l := found(t, u.String(), false)["clock"]; l.State != doctor.Wrong || !strings.Contains(l.Text, "differ by 1m0") && !strings.Contains(l.Text, "differ by 59.") || !strings.Contains(l.Do, "NTP") {
		t.Errorf("got %+v", l)
	}
}

func change(t *testing.T, driver, dsn, statement string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func withApp(s *store.Store) error {
	return s.CreateApp(context.Background(), wxnotify.App{
		ID: sandbox.FirstAppID, Name: "shop", Secret: wxnotify.NewSecret(sandbox.FirstSecret), TokenMode: wxnotify.StableToken, MaxInFlight: 1,
	})
}

func TestSendingThatIsPaused(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]doctor.State{"quota": doctor.Wrong, store.ByOperator: doctor.OK} {
		dsn := closed(t, storetest.SQLite(t), func(s *store.Store) error {
			return errors.Join(withApp(s), s.PutPause(t.Context(), wxnotify.Pause{App: sandbox.FirstAppID, Scope: "template", Reason: reason}))
		})
		l := found(t, dsn, false)["sending"]
		if l.State != want || !strings.Contains(l.Do, "wxnotify app resume "+sandbox.FirstAppID+" --scope template") {
			t.Errorf("by %s: %+v", reason, l)
		}
	}
}

// What cannot be read is wrong, and found demands that each such line says what
// to do.
func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for table, check := range map[string]string{"app": "apps", "pause": "sending", "token": "token", "template": "templates"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			far := sandbox.Start(t, sandbox.Options{})
			dsn := closed(t, storetest.SQLite(t), withApp)
			change(t, "sqlite", strings.TrimPrefix(dsn, "sqlite:"), `alter table `+table+` rename to lost`)
			if l := found(t, dsn, true, far.URL)[check]; l.State != doctor.Wrong {
				t.Errorf("got %+v", l)
			}
		})
	}
}

func TestWhatWeChatDoesNotTell(t *testing.T) {
	t.Parallel()
	for check, c := range map[string]struct {
		fault sandbox.Fault
		do    string
	}{
		"token":               {sandbox.Fault{Endpoint: "stable_token", Effect: "errcode", Errcode: 45009}, "what 45009 means"},
		"wechat":              {sandbox.Fault{Endpoint: "stable_token", Effect: "status", Status: 500}, "network"},
		"quota template":      {sandbox.Fault{Endpoint: "quota/get", Effect: "errcode", Errcode: 45009}, "what 45009 means"},
		"quota subscribe":     {sandbox.Fault{Endpoint: "quota/get", Effect: "status", Status: 500}, "network"},
		"templates template":  {sandbox.Fault{Endpoint: "template/list", Effect: "errcode", Errcode: 45009}, "what 45009 means"},
		"templates subscribe": {sandbox.Fault{Endpoint: "gettemplate", Effect: "drop_response"}, "network"},
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			far := sandbox.Start(t, sandbox.Options{})
			if _, err := far.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			if l := found(t, closed(t, storetest.SQLite(t), withApp), false, far.URL)[check]; l.State != doctor.Wrong || !strings.Contains(l.Do, c.do) {
				t.Errorf("got %+v", l)
			}
		})
	}
}

// The address of a token server may hold a key of that server, which no line
// may show.
func TestTokensOfAnotherServer(t *testing.T) {
	t.Parallel()
	far := sandbox.Start(t, sandbox.Options{})
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"of-no-app"}`)
	}))
	t.Cleanup(stranger.Close)
	key := "cgi-bin/token?grant_type=client_credential&appid={appid}&secret=" + sandbox.FirstSecret
	for name, c := range map[string]struct {
		url, path string
		want      doctor.State
	}{
		"as it should be":        {far.URL + "/" + key, "access_token", doctor.OK},
		"nothing answers":        {"http://127.0.0.1:1/" + key, "access_token", doctor.Wrong},
		"no token in the answer": {far.URL + "/" + key, "data.access_token", doctor.Wrong},
		"no app's token":         {stranger.URL + "/" + key, "access_token", doctor.Wrong},
		"no address":             {"tokens/" + key, "access_token", doctor.Wrong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := server.Config{
				Database: wxnotify.NewSecret(closed(t, storetest.SQLite(t), withApp)), MasterKey: wxnotify.NewSecret(hex.EncodeToString(storetest.MasterKey)),
				WeChatURL: far.URL, TokenURL: wxnotify.NewSecret(c.url), TokenPath: c.path,
			}
			all := foundWith(t, conf, false)
			l := all["token"]
			if _, checked := all["token"]; !checked {
				l = all["settings"]
			}
			if l.State != c.want || c.want == doctor.Wrong && !strings.Contains(l.Text+l.Do, "token_url") {
				t.Errorf("got %+v", l)
			}
			for _, l := range all {
				if strings.Contains(l.Text+l.Do, sandbox.FirstSecret) {
					t.Errorf("%s shows the key: %+v", l.Check, l)
				}
			}
		})
	}
}
