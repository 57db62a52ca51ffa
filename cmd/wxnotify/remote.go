package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/wxnotify/wxnotify/client"
	"github.com/wxnotify/wxnotify/server"
)

// defaultServer is where a server listens that nobody told otherwise.
const defaultServer = "http://127.0.0.1:8080"

func (r remote) url() string {
	if r.Server == "" {
		return defaultServer
	}
	return r.Server
}

// open makes a client of the server.
func (r remote) open() *client.Client {
	return client.New(r.url(), r.Key.Reveal(), client.UserAgent("wxnotify/"+server.Version()))
}

// advise adds to an error what the caller can do about it.
func (r remote) advise(err error) error {
	var p *client.Problem
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing answers at %s; start a server, or name another with --server", r.url())
	case errors.As(err, &p) && p.Status == http.StatusUnauthorized && r.Key.IsZero():
		return fmt.Errorf("%w; give a key with --key, --key-file or WXNOTIFY_KEY", err)
	}
	return err
}

// take reads at most n elements of a list.
func take[T any](list iter.Seq2[T, error], n int) ([]T, error) {
	all := []T{}
	for x, err := range list {
		if err != nil {
			return nil, err
		}
		if all = append(all, x); len(all) == n {
			break
		}
	}
	return all, nil
}

// pageSize is how many to fetch at once for a list of n.
func pageSize(n int) int { return min(max(n, 1), 250) }

// records says where the records of apps and keys are: behind a server, or in
// the database itself when no server and no key is named.
type records struct {
	Remote remote        `embed:""`
	Config server.Config `embed:""`
}

const recordsHelp = `Without --server and --key the command works on the database itself (--database), which no running server may hold.`

// do calls f with a client. Only what makes a record may make a database.
func (r records) do(ctx context.Context, create bool, f func(*client.Client) error) error {
	if r.Remote.Server != "" || !r.Remote.Key.IsZero() {
		return r.Remote.advise(f(r.Remote.open()))
	}
	conf := r.Config.Defaults()
	if err := conf.Check(); err != nil {
		return usageError{err}
	}
	if file := conf.SQLiteFile(); file != "" && !create {
		if _, err := os.Stat(file); err != nil {
			return usage("there is no database %s; name one with --database, or a server with --server", file)
		}
	}
	conf.APIKey = oneTimeKey()
	doors, done, err := server.Direct(ctx, newLogger(quiet(conf.LogLevel)), conf)
	if err != nil {
		return err
	}
	defer done()
	inside := client.HTTPClient(&http.Client{Transport: within{doors}})
	return f(client.New("http://database", conf.APIKey.Reveal(), inside, client.Tries(1)))
}

// pairs reads KEY=VALUE arguments.
func pairs(what string, args []string) (map[string]string, error) {
	m := map[string]string{}
	for _, a := range args {
		k, v, ok := strings.Cut(a, "=")
		if !ok || k == "" {
			return nil, usage("%s: want KEY=VALUE, got %q", what, a)
		}
		if _, twice := m[k]; twice {
			return nil, usage("%s: %s was given twice", what, k)
		}
		m[k] = v
	}
	return m, nil
}
