package docs_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	_ "embed" // long_test.go
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
	"github.com/wxnotify/wxnotify/store/storetest"
)

// Every command of the manuals is run, as it stands there, page by page and
// from top to bottom. The commands of a page run in one shell, in a folder of
// their own. What readers put in is put in for them (fill), and what a page
// takes for granted is made before (pages), in the words of helpers. Those that
// take long, or want machines of their own, are run by make manuals.

// runBy are the commands that do not run with their page, by what runs them: a
// test in long_test.go, or make test itself.
var runBy = map[string][]string{
	"make test": {"make test"},
	"TestLongCommandsOfTheManuals": {
		"make build",
		"wxnotify bench --quick",
		`PGFSYNC=on scripts/withpostgres sh -c 'wxnotify bench --database "$WXNOTIFY_TEST_POSTGRES"'`,
	},
	"TestLongFailoverOfTheManuals": {
		"mkdir -p /etc/postgresql-common/createcluster.d",
		"echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/wxnotify.conf",
		"apt-get install etcd-server patroni python3-etcd postgresql",
		"systemctl stop etcd && rm -rf /var/lib/etcd/default",
		"systemctl enable --now etcd patroni",
		"patronictl -c /etc/patroni/config.yml list",
		"export PGHOST=10.0.0.1,10.0.0.2,10.0.0.3 PGTARGETSESSIONATTRS=read-write PGUSER=postgres",
		"createuser -P wxnotify && createdb -O wxnotify wxnotify",
		"wxnotify serve --master-key-file /etc/wxnotify/master \\\n" +
			"  --database 'postgres://wxnotify:…@10.0.0.1,10.0.0.2,10.0.0.3/wxnotify?target_session_attrs=read-write&connect_timeout=3'",
	},
}

// A page is what is there before its first command, and before those that
// begin with a certain word.
type page struct {
	first  string
	before map[string]string
}

var pages = map[string]page{
	"README.md": {before: map[string]string{
		"curl http":            "KEY=$(cat wxnotify-demo/key); export WXNOTIFY_KEY=$KEY",
		"bin/wxnotify app add": "stop; unset WXNOTIFY_KEY WXNOTIFY_SERVER; printf %s $SECRET >secret",
		"bin/wxnotify sandbox": "stop",
	}},
	"CONTRIBUTING.md": {},
	"docs/start.md": {before: map[string]string{
		"curl -s 127.0.0.1:8081/sandbox/clock": `wxnotify message show $(message) | grep -q inferred`,
	}},
	"docs/guarantees.md":  {},
	"docs/performance.md": {},
	"docs/api.md":         {first: "simulate; serve; forms 3"},
	"docs/operating.md": {
		first: `simulate; mkdir -p backup etc/wxnotify var/lib/wxnotify; echo "database = \"sqlite:$PWD/var/lib/wxnotify/wxnotify.db\"" >etc/wxnotify/wxnotify.toml
			serve --database sqlite:var/lib/wxnotify/wxnotify.db; forms 1; wxnotify template sync`,
		before: map[string]string{
			"wxnotify restore": "stop; mv backup/wxnotify-2*.db backup/wxnotify-2026-11-25.db; rm var/lib/wxnotify/wxnotify.db",
			"pg_dump":          `unset WXNOTIFY_SERVER WXNOTIFY_KEY; cp var/lib/wxnotify/wxnotify.db* .; cp wxnotify.db.key master.key; wxnotify move --from sqlite:wxnotify.db --to "$DATABASE"`,
		},
	},
	"docs/scaling.md": {first: `DATABASE_B=$DATABASE; printf %s $MASTER >master.key; simulate; serve --database "$DATABASE" --master-key-file master.key; stop; unset WXNOTIFY_SERVER WXNOTIFY_KEY`},
	"docs/sdk.md": {before: map[string]string{
		"wxnotify serve --token-url": "stop",
	}},
	"docs/subscribe.md": {first: "simulate; serve"},
	"docs/upgrading.md": {first: "simulate; serve; forms 1; wxnotify template sync", before: map[string]string{
		"wxnotify migrate": "stop",
	}},
	"docs/webhooks.md": {first: "simulate; serve"},
	"docs/wechat.md":   {first: "simulate; APP= serve; printf %s $SECRET >secret.txt"},
}

// fill puts in what readers have of their own, and begins servers beside the
// page's shell.
func fill(command, api, wechat string) string {
	for _, p := range []struct{ from, to string }{
		{"go run ./cmd/wxnotify ", "wxnotify "},
		{"127.0.0.1:8080", api}, {"127.0.0.1:8081", wechat}, {"https://your.host", "http://" + api}, {"--listen :443", "--listen " + api},
		{" /etc/wxnotify/", " etc/wxnotify/"}, {"sqlite:/var/lib/", "sqlite:var/lib/"}, {" /backup/", " backup/"},
		{"postgres://wxnotify@db/wxnotify", `"$MOVED"`},
		{"--appid … --appsecret …", "--appid $APP --appsecret $SECRET"},
		{"wx1234567890abcdef", sandbox.FirstAppID},
		{`"token":"…","encoding_aes_key":"…"`, `"token":"abc123","encoding_aes_key":"` + strings.Repeat("a1B2c3D", 7)[:43] + `"`},
		{"msg_…", "$(message)"},
	} {
		command = strings.ReplaceAll(command, p.from, p.to)
	}
	for name, value := range map[string]string{
		"APPID": sandbox.FirstAppID, "OPENID": sandbox.FirstUser, "TEMPLATE": sandbox.ClassicTemplate,
		"FORM_ID": "$(form)", "WEBHOOK": "$(webhook)", "EVENT": "$(event)",
	} {
		command = regexp.MustCompile(`(^|[^A-Za-z_$])`+name+`\b`).ReplaceAllString(command, "${1}"+strings.ReplaceAll(value, "$", "$$"))
	}
	switch m := server.FindStringSubmatch(command); {
	case m == nil:
	case m[1] == "sandbox":
		command = "behind http://" + wechat + "/sandbox/state " + command
	case strings.Contains(command, "--tls-cert"):
		command = "behind https://" + api + "/healthz " + command
	default:
		command = "behind http://" + api + "/healthz " + command
	}
	return command
}

var server = regexp.MustCompile(`^(?:bin/)?wxnotify (demo|serve|sandbox)\b`)

// helpers are what the commands of a page find in their shell.
const helpers = `
set -eu
curl() { command curl --fail-with-body --retry 5 -sS "$@"; }
go() { # the sources are not where the page is
	case "$1 $2" in
	"run ./docs/examples") shift 2; command go -C "$SOURCES" run ./docs/examples "$@" ;;
	"build -o") test "$3 $4" = "bin/wxnotify ./cmd/wxnotify" ;; # it is there
	*) return 1 ;;
	esac
}
make() { MAKEFLAGS= command make -C "$SOURCES" "$@"; }
servers=
behind() { # starts a server, and waits until the address answers
	address=$1; shift
	"$@" >>servers.log 2>&1 &
	servers="$! $servers"
	until command curl -fsk "$address" >/dev/null; do
		kill -0 $! || { cat servers.log; return 1; }
		sleep 0.05
	done
}
stop() { # ends all servers as a supervisor does
	for one in $servers; do
		kill -TERM $one
		wait $one
	done
	servers=
}
world=
trap 'for one in $servers $world; do kill -KILL $one; done' EXIT
trap 'exit 1' TERM
simulate() { # WeChat stays when the servers stop
	behind http://$WXNOTIFY_SANDBOX_LISTEN/sandbox/state wxnotify sandbox
	world=$servers servers=
}
serve() { WXNOTIFY_API_KEY=$KEY WXNOTIFY_APPID=$APP WXNOTIFY_APPSECRET=${APP:+$SECRET} behind $WXNOTIFY_SERVER/healthz wxnotify serve "$@"; }
form() { curl $WXNOTIFY_WECHAT_URL/sandbox/forms -d '{"appid":"'$APP'","openid":"'$USER'"}' | sed 's/.*"form_id":"\([^"]*\)".*/\1/'; }
forms() { for one in $(seq $1); do wxnotify permit add --to $USER --form $(form); done; }
first() { curl "$WXNOTIFY_SERVER/v1/$1" -H "Authorization: Bearer $WXNOTIFY_KEY" | sed 's/^{"data":\[{"id":"\([^"]*\)".*/\1/'; }
message() { first 'messages?limit=1'; }
webhook() { first 'webhooks?limit=1'; }
event() {
	wxnotify send --to $USER --template $TEMPLATE keyword1=1 keyword2=2 keyword3=3 keyword4=4 keyword5=5 >/dev/null 2>&1 || true # no permit is a message, too
	first "webhooks/$(webhook)/deliveries?limit=1"
}
`

func TestEveryCommandOfTheManualsRuns(t *testing.T) {
	t.Parallel()
	program := build(t)
	apart := map[string]bool{} // whether a page has it
	for by, all := range runBy {
		if by != "make test" && !strings.Contains(long, "\nfunc "+by+"(t *testing.T) {") {
			t.Errorf("there is no %s that could run anything", by)
		}
		for _, c := range all {
			apart[c] = false
		}
	}
	left := maps.Clone(pages)
	for _, name := range manuals(t) {
		all := commands(t, name)
		if chinese := strings.TrimSuffix(name, ".md") + ".zh-CN.md"; exists("../" + chinese) {
			if zh := commands(t, chinese); !slices.Equal(zh, all) {
				t.Errorf("%s and %s have different commands:\n%q\n%q", name, chinese, all, zh)
			}
		}
		p, known := pages[name]
		if !known && len(all) > 0 {
			t.Errorf("%s has commands, and no line in pages", name)
		}
		if delete(left, name); len(all) == 0 {
			continue
		}
		var run []string
		for _, c := range all {
			if _, not := apart[c]; not {
				apart[c] = true
				continue
			}
			run = append(run, c)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runPage(t, program, p, run)
		})
	}
	t.Run("what is mentioned", func(t *testing.T) {
		t.Parallel()
		mentions(t, program)
	})
	for c, there := range apart {
		if !there {
			t.Errorf("no page has this command any more: %s", c)
		}
	}
	for name := range left {
		t.Errorf("%s is not there, or has no commands", name)
	}
}

//go:embed long_test.go
var long string

func build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "wxnotify")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/wxnotify").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	return program
}

// manuals are the English pages, from the root.
func manuals(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "docs/*.md", "miniprogram/*.md", "miniprogram/example/*.md", "deploy/*.md"} {
		found, err := filepath.Glob("../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			if name := filepath.ToSlash(strings.TrimPrefix(f, "../")); !strings.HasSuffix(name, ".zh-CN.md") {
				names = append(names, name)
			}
		}
	}
	if len(names) < 15 {
		t.Fatalf("only %v", names)
	}
	return names
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

var (
	fence   = regexp.MustCompile("^ *```(.*)$")
	comment = regexp.MustCompile(` +# .*$`)
	// In zsh, the shell of macOS, a ? that is not quoted looks for files.
	question = regexp.MustCompile(`(^|\s)[^\s'"]+\w\?\w`)
)

// commands returns what stands in the blocks of a page that are for a shell.
func commands(t *testing.T, name string) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	if err != nil {
		t.Fatal(err)
	}
	kind, command := "", ""
	for i, line := range strings.Split(string(text), "\n") {
		if m := fence.FindStringSubmatch(line); m != nil {
			if kind != "" {
				kind = ""
				continue
			}
			if kind = m[1]; kind == "" {
				t.Errorf("%s:%d: a block says what it is: sh for commands, text for what they print", name, i+1)
				kind = "text"
			}
			continue
		}
		if kind != "sh" || command == "" && strings.TrimSpace(line) == "" {
			continue
		}
		command += comment.ReplaceAllString(line, "")
		if strings.HasSuffix(line, `\`) || strings.Count(command, "'")%2 == 1 {
			command += "\n"
			continue
		}
		if command = strings.TrimSpace(command); question.MatchString(command) {
			t.Errorf("%s:%d: quote the address", name, i+1)
		}
		all = append(all, command)
		command = ""
	}
	return all
}

// runPage runs the commands of a page.
func runPage(t *testing.T, program string, p page, all []string) {
	t.Helper()
	sources, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir, api, wechat := t.TempDir(), free(t), free(t)
	symlink(t, program, filepath.Join(dir, "bin", "wxnotify"))
	for _, folder := range []string{"docs", "scripts"} {
		symlink(t, filepath.Join(sources, folder), filepath.Join(dir, folder))
	}
	certify(t, dir)
	var script strings.Builder
	script.WriteString(helpers + p.first + "\n")
	for _, c := range all {
		for begin, text := range p.before {
			if strings.HasPrefix(c, begin) {
				script.WriteString(text + "\n")
			}
		}
		script.WriteString("cat >&2 <<'COMMAND'\n$ " + c + "\nCOMMAND\n" + fill(c, api, wechat) + "\n")
	}
	script.WriteString("stop\nservers=$world world=\nstop\n")
	sh := exec.CommandContext(t.Context(), "sh")
	sh.Cancel = func() error { return sh.Process.Signal(syscall.SIGTERM) }
	sh.WaitDelay = 5 * time.Second
	sh.Dir, sh.Stdin = dir, strings.NewReader(script.String())
	const key, master = "a-key-that-only-the-manuals-know", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	sh.Env = append(os.Environ(), "HOME="+dir, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "SOURCES="+sources,
		"GOPATH="+goEnv(t, "GOPATH"), "GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"),
		"KEY="+key, "MASTER="+master, "WXNOTIFY_KEY="+key, "WXNOTIFY_SERVER=http://"+api,
		"WXNOTIFY_LISTEN="+api, "WXNOTIFY_SANDBOX_LISTEN="+wechat, "WXNOTIFY_WECHAT_URL=http://"+wechat, "WXNOTIFY_CLOCK_URL=http://"+wechat,
		"APP="+sandbox.FirstAppID, "SECRET="+sandbox.FirstSecret, "USER="+sandbox.FirstUser, "TEMPLATE="+sandbox.ClassicTemplate)
	for _, name := range []string{"DATABASE", "NEW_DATABASE", "MOVED"} {
		if strings.Contains(script.String(), `"$`+name+`"`) {
			sh.Env = append(sh.Env, name+"="+database(t, name))
		}
	}
	if out, err := sh.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "servers.log"))
		t.Errorf("%v\n%s\nthe servers:\n%s", err, out, log)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// database makes an empty database, without tables.
func database(t *testing.T, name string) string {
	t.Helper()
	u, err := url.Parse(os.Getenv(storetest.Variable))
	if err != nil || u.Scheme == "" {
		t.Fatalf("%s names no PostgreSQL; make test and scripts/withpostgres set it", storetest.Variable)
	}
	admin, err := sql.Open("pgx", u.String())
	if err != nil {
		t.Fatal(err)
	}
	name = "manual_" + strings.ToLower(name+"_"+rand.Text())
	if _, err := admin.ExecContext(t.Context(), "create database "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("drop database " + name + " with (force)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u.Path = "/" + name
	return u.String()
}

func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func symlink(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}

// certify writes cert.pem and key.pem.
func certify(t *testing.T, dir string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, public, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
