//go:build faults

package server

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/outbox"
)

// killPoint kills this process, as kill -9 would, when it passes the point that
// the environment names for the n-th time: WXNOTIFY_FAULT=settle.before_commit:3.
//
// Points are VERB.before_statement, .after_statement, .before_commit and
// .after_commit of the store's verbs (accept, claim, settle, evidence, deposit,
// save_a_token …), and call.before and call.after of the call to WeChat.
func killPoint() func(point string) error {
	name, times, _ := strings.Cut(os.Getenv("WXNOTIFY_FAULT"), ":")
	if name == "" {
		return nil
	}
	nth, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		nth = 1
	}
	var passed atomic.Int64
	return func(point string) error {
		if strings.ReplaceAll(point, " ", "_") != name || passed.Add(1) != nth {
			return nil
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic("a kill point cannot kill: " + err.Error())
		}
		select {}
	}
}

// mortal dies before or after a call.
func mortal(s outbox.Sender, point func(string) error) outbox.Sender {
	if point == nil {
		return s
	}
	return killer{s, point}
}

type killer struct {
	outbox.Sender

	point func(string) error
}

func (k killer) Send(ctx context.Context, token string, ch wxnotify.Channel, body []byte) wxnotify.Outcome {
	_ = k.point("call.before")
	defer func() { _ = k.point("call.after") }()
	return k.Sender.Send(ctx, token, ch, body)
}
