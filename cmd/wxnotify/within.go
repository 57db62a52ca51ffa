package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"

	"github.com/wxnotify/wxnotify"
)

// within carries requests to a handler of this process, without a network.
type within struct{ handler http.Handler }

// RoundTrip is http.RoundTripper's.
func (t within) RoundTrip(r *http.Request) (*http.Response, error) {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.handler.ServeHTTP(a, r)
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Header: a.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()),
	}, nil
}

// An answer is what a handler writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// oneTimeKey opens a door that only this process can reach.
func oneTimeKey() wxnotify.Secret {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	return wxnotify.NewSecret(wxnotify.KeyText(random))
}

// quiet leaves out what a server would tell of its life.
func quiet(level slog.Level) slog.Level { return max(level, slog.LevelWarn) }
