package docs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

// What make manuals runs: it takes minutes, and root.

func TestLongCommandsOfTheManuals(t *testing.T) {
	mine := given(t)
	runPage(t, build(t), page{first: "unset WXNOTIFY_SERVER WXNOTIFY_KEY WXNOTIFY_LISTEN WXNOTIFY_SANDBOX_LISTEN WXNOTIFY_WECHAT_URL WXNOTIFY_CLOCK_URL"}, mine)
}

// given are the commands that this test is to run in the place of their pages,
// each once.
func given(t *testing.T) (mine []string) {
	t.Helper()
	if os.Getenv("WXNOTIFY_LONG") != "1" {
		t.Skip("runs with WXNOTIFY_LONG=1: make manuals")
	}
	for _, name := range manuals(t) {
		for _, c := range commands(t, name) {
			if slices.Contains(runBy[t.Name()], c) && !slices.Contains(mine, c) {
				mine = append(mine, c)
			}
		}
	}
	if len(mine) == 0 {
		t.Fatal("no command is this test's")
	}
	return mine
}

// The set-up of docs/guarantees.md is made on three machines (scripts/withmachines)
// that begin without its packages, with a wxnotify on each. A message is sent;
// the machine whose PostgreSQL leads loses its power; another message is sent,
// with a permit that was handed in before.
func TestLongFailoverOfTheManuals(t *testing.T) {
	mine := given(t)
	dir := t.TempDir()
	for i := 1; i <= 3; i++ {
		for name, text := range failoverFiles(t, "../docs/guarantees.md", i) {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s.%d", name, i)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var script strings.Builder
	packages := ""
	script.WriteString(machines)
	for _, c := range mine {
		how := "each"
		for begin, other := range map[string]string{
			"systemctl enable": "configure; each",
			"patronictl":       "cp command list.command; await list",
			"export":           "remember",
			"createuser":       "once",
			"wxnotify serve":   "serve",
		} {
			if strings.HasPrefix(c, begin) {
				how = other
			}
		}
		if p, install := strings.CutPrefix(c, "apt-get install "); install {
			packages = p
		}
		script.WriteString("cat >&2 <<'COMMAND'\n$ " + c + "\nCOMMAND\ncat >command <<'COMMAND'\n" + strings.ReplaceAll(c, "…", password) + "\nCOMMAND\n" + how + "\n")
	}
	script.WriteString(failover)
	file := filepath.Join(dir, "story")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	withMachines, err := filepath.Abs("../scripts/withmachines")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	sh := exec.CommandContext(ctx, withMachines, packages, "sh", file)
	sh.Cancel = func() error { return sh.Process.Signal(syscall.SIGTERM) }
	sh.WaitDelay = time.Minute
	sh.Dir = dir
	sh.Env = append(os.Environ(), "PROGRAM="+build(t), "PASSWORD="+password, "KEY=a-key-that-only-the-manuals-know", "MASTER="+strings.Repeat("0f", 32),
		"APP="+sandbox.FirstAppID, "SECRET="+sandbox.FirstSecret, "USER="+sandbox.FirstUser, "TEMPLATE="+sandbox.ClassicTemplate)
	out := t.Output()
	sh.Stdout, sh.Stderr = out, out
	if err := sh.Run(); err != nil {
		t.Fatal(err)
	}
}

const password = "wisdom-of-three-machines"

// failoverFiles are the files of the manual as they are on machine i: "the
// others with their own name and addresses".
func failoverFiles(t *testing.T, page string, i int) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name, path := range map[string]string{"etcd": "/etc/default/etcd", "patroni": "/etc/patroni/config.yml"} {
		_, text, named := strings.Cut(string(raw), "`"+path+"`")
		_, text, begun := strings.Cut(text, "\n```")
		_, text, _ = strings.Cut(text, "\n")
		text, _, ended := strings.Cut(text, "\n```")
		if !named || !begun || !ended {
			t.Fatalf("%s does not show %s", page, path)
		}
		var lines []string
		for line := range strings.SplitSeq(text, "\n") {
			if !strings.Contains(line, "10.0.0.2") { // else it names them all
				line = strings.NewReplacer("10.0.0.1", fmt.Sprintf("10.0.0.%d", i), "=e1", fmt.Sprintf("=e%d", i), "name: pg1", fmt.Sprintf("name: pg%d", i)).Replace(line)
			}
			lines = append(lines, strings.ReplaceAll(comment.ReplaceAllString(line, ""), "…", password))
		}
		files[name] = strings.Join(lines, "\n") + "\n"
	}
	return files
}

func TestBothLanguagesShowTheSameFilesForFailover(t *testing.T) {
	t.Parallel()
	for i := 1; i <= 3; i++ {
		en, zh := failoverFiles(t, "../docs/guarantees.md", i), failoverFiles(t, "../docs/guarantees.zh-CN.md", i)
		for name, text := range en {
			if zh[name] != text {
				t.Errorf("%s on machine %d:\n%s\n%s", name, i, text, zh[name])
			}
			if own := fmt.Sprintf("10.0.0.%d:", i); strings.Count(text, own) < 5 {
				t.Errorf("%s on machine %d hardly speaks of %s\n%s", name, i, own, text)
			}
		}
	}
}

// machines are the words in which the manual's commands are run: each takes what
// to do from the file "command".
const machines = `
set -eu
PATH=$(dirname "$PROGRAM"):$PATH
wechat=10.0.0.254:8081
trap 'status=$?; [ $status = 0 ] || report; exit $status' EXIT
report() {
	for i in 1 2 3; do
		echo "machine $i:"
		on $i journalctl --no-pager -n 40 -u etcd -u patroni || true
		tail -n 30 $i.out node$i.out || true
	done
	tail -n 5 sandbox.out || true
} >&2 2>&1
await() { # until it succeeds; two minutes at most, apart from what it takes itself
	for _ in $(seq 240); do
		"$@" >await.out 2>&1 && return
		sleep 0.5
	done
	echo "in vain: $*"; cat await.out
	return 1
}
each() { # on every machine, at once, and yes to what is asked
	all=
	for i in 1 2 3; do
		yes 2>/dev/null | on $i sh -euc "$(cat command)" >$i.out 2>&1 &
		all="$all $!"
	done
	for one in $all; do wait $one; done
}
configure() {
	for i in 1 2 3; do
		on $i sh -c 'cat >/etc/default/etcd' <etcd.$i
		on $i sh -c 'cat >/etc/patroni/config.yml' <patroni.$i
	done
}
there=1 alive=3 leader=
list() { # says who leads: one Leader, one Sync Standby, and whoever else is alive follows
	members=$(on $there sh -euc "$(cat list.command)") &&
		echo "$members" &&
		[ "$(echo "$members" | grep -c ' Leader .* running ')" = 1 ] &&
		[ "$(echo "$members" | grep -c ' Sync Standby .* \(running\|streaming\) ')" = 1 ] &&
		[ "$(echo "$members" | grep -c ' \(running\|streaming\) ')" = $alive ] &&
		leader=$(echo "$members" | sed -n 's/.*10\.0\.0\.\([123]\).* Leader .*/\1/p')
}
remember() { remembered=$(cat command); }
once() { # on the first machine, with the passwords that are asked for, and no terminal to ask at
	printf '%s\n%s\n' $PASSWORD $PASSWORD | on 1 env PGPASSWORD=$PASSWORD setsid --wait sh -euc "$remembered
$(cat command)"
}
serve() {
	for i in 1 2 3; do
		on $i env WXNOTIFY_WECHAT_URL=http://$wechat WXNOTIFY_API_KEY=$KEY WXNOTIFY_APPID=$APP WXNOTIFY_APPSECRET=$SECRET \
			sh -euc "exec $(cat command)" >node$i.out 2>&1 &
	done
	for i in 1 2 3; do await on $i wxnotify healthcheck --ready; done
}
give() { # a form that the user has submitted, handed in at a machine
	form=$(curl -fsS http://$wechat/sandbox/forms -d '{"appid":"'$APP'","openid":"'$USER'"}' | sed 's/.*"form_id":"\([^"]*\)".*/\1/')
	on $1 env WXNOTIFY_KEY=$KEY wxnotify permit add --to $USER --form $form
}
send() { # at a machine, and never more than one message for a key
	on $1 env WXNOTIFY_KEY=$KEY wxnotify send --to $USER --template $TEMPLATE --idempotency-key $2 keyword1=1 keyword2=2 keyword3=3 keyword4=4 keyword5=5
}
cards() { curl -fsS http://$wechat/sandbox/cards | grep -o '"seq":' | wc -l; }
came() { [ "$(cards)" = $1 ]; }
sent() { on $1 curl -fsS 'http://127.0.0.1:8080/v1/messages?state=sent' -H "Authorization: Bearer $KEY" | grep -o '"id":"msg_' | wc -l; }

for i in 1 2 3; do
	# What a purge leaves of the packages, and what the manual takes for granted.
	on $i rm -rf /etc/default/etcd /etc/patroni /etc/postgresql /etc/postgresql-common /var/lib/etcd /var/lib/postgresql
	on $i sh -c 'cat >/usr/local/bin/wxnotify; chmod +x /usr/local/bin/wxnotify' <"$PROGRAM"
	printf %s $MASTER | on $i sh -c 'mkdir -p /etc/wxnotify; cat >/etc/wxnotify/master'
done
wxnotify sandbox --sandbox-listen $wechat --sandbox-public >sandbox.out 2>&1 &
`

// failover is what is tried with the machines when they are as the manual says.
const failover = `
give 1
give 2
await send 3 before
await came 1
there=$((leader % 3 + 1)) alive=2 lost=$leader
echo "machine $lost leads, and loses its power" >&2
lose $lost
await send $there after
await came 2
await list
[ $leader != $lost ]
[ "$(sent $there)" = 2 ] && came 2
echo "machine $leader leads, and both messages were sent, once" >&2
`
