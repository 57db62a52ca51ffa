package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/wxnotify/wxnotify/sandbox"
)

// The bare client is the ceiling: net/http, connections kept, a rendered body
// with the form_id spliced in, and nothing kept. It runs in a process of its
// own, so that its memory can be compared.

// A bareJob is what it is told on its standard input.
type bareJob struct {
	URL   string      `json:"url"`
	Conns int         `json:"conns"`
	First int         `json:"first"` // the first message's number
	Forms [][2]string `json:"forms"` // openid and form_id
}

type bareResult struct {
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_us"` // per message
	RSS     int64   `json:"rss"`
}

// Bare is the process of the bare client: it reads a job, does it, and writes
// its result.
func Bare(ctx context.Context, in io.Reader, out io.Writer) error {
	var job bareJob
	if err := json.NewDecoder(bufio.NewReader(in)).Decode(&job); err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: job.Conns}}
	v := volley{url: job.URL, conns: job.Conns, n: len(job.Forms), status: http.StatusOK, good: taken, body: func(b []byte, i int) []byte {
		return appendBody(b, job.First+i, job.Forms[i][0], job.Forms[i][1])
	}}
	watch := watchRSS(os.Getpid())
	before, began := used(os.Getpid(), false), time.Now()
	if err := v.fire(ctx, c); err != nil {
		return err
	}
	took, after := time.Since(began), used(os.Getpid(), false)
	return json.NewEncoder(out).Encode(bareResult{took.Seconds(), float64((after.cpu - before.cpu).Microseconds()) / float64(v.n), watch()})
}

func taken(answer []byte) bool { return bytes.Contains(answer, []byte(`"errcode":0`)) }

// bare sends n messages to the sandbox without us.
func (w *world) bare(conns, n int) (f Figure, rss int64, err error) {
	forms, err := w.forms(n)
	if err != nil {
		return f, 0, err
	}
	token, err := w.token()
	if err != nil {
		return f, 0, err
	}
	job := bareJob{URL: w.sandbox.url + "/cgi-bin/message/wxopen/template/send?access_token=" + token, Conns: conns, First: w.ledger.numbers(n)}
	for _, x := range forms {
		job.Forms = append(job.Forms, [2]string{x.openid, x.id})
	}
	in, err := json.Marshal(job)
	if err != nil {
		return f, 0, err
	}
	cmd := exec.CommandContext(w.ctx, w.o.Program, "bench", "--bare-client") //nolint:gosec // the program is this one
	var out, problem bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &problem
	dieWithUs(cmd)
	before := used(w.sandbox.pid(), false)
	if err := cmd.Run(); err != nil {
		return f, 0, fmt.Errorf("the bare client: %w: %s", err, problem.Bytes())
	}
	after := used(w.sandbox.pid(), false)
	var r bareResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return f, 0, err
	}
	f = Figure{Messages: n, Seconds: r.Seconds, PerSecond: float64(n) / r.Seconds, ClientCPU: r.CPU,
		SandboxCPU: float64((after.cpu - before.cpu).Microseconds()) / float64(n)}
	return f, r.RSS, w.check(job.First, n)
}

// token is WeChat's, the one that the server has as well.
func (w *world) token() (string, error) {
	body, err := json.Marshal(map[string]any{"grant_type": "client_credential", "appid": sandbox.FirstAppID, "secret": sandbox.FirstSecret})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.sandbox.url+"/cgi-bin/stable_token", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var t struct {
		Token string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&t)
	return t.Token, err
}

// watchRSS looks at a process's memory until it is asked for the most it saw.
func watchRSS(pid int) func() int64 {
	stop := make(chan struct{})
	var most int64
	var done sync.WaitGroup
	done.Go(func() {
		for {
			most = max(most, used(pid, false).rss)
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() int64 {
		close(stop)
		done.Wait()
		return most
	}
}
