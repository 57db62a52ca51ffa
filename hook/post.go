package hook

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/wxnotify/wxnotify"
)

const (
	maxAnswer = 4 << 10 // bytes read of an answer, so that its connection can be used again
	shown     = 512     // bytes kept of it
)

// post makes one attempt. It never fails: what goes wrong is in the answer. The
// address is in none of its words, since it may hold a password.
func (g *Guard) post(ctx context.Context, p *wxnotify.Post, agent string) wxnotify.Answer {
	ctx, cancel := context.WithTimeout(ctx, g.patience)
	defer cancel()
	req, err := request(ctx, p, agent)
	if err != nil {
		return wxnotify.Answer{Fault: wxnotify.FaultConnection, Detail: "the address or the secret cannot be used"}
	}
	client := g.clients[req.URL.Scheme]
	if client == nil {
		return wxnotify.Answer{Fault: wxnotify.FaultBlocked, Detail: "neither http nor https"}
	}
	resp, err := client.Do(req)
	if err != nil {
		return failed(ctx, err, g.patience)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && resp.StatusCode/100 == 2 { // what it said is not known to be all
		return failed(ctx, err, g.patience)
	}
	return answer(resp, body)
}

func request(ctx context.Context, p *wxnotify.Post, agent string) (*http.Request, error) {
	body, now := p.Body(), time.Now()
	signature, err := sign(&p.Hook, p.ID, now, body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Hook.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", agent)
	req.Header.Set(standardwebhooks.HeaderWebhookID, p.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	if p.Trace != "" {
		var span [8]byte
		_, _ = rand.Read(span[:]) // never fails
		req.Header.Set("Traceparent", p.Trace.Parent(span))
	}
	return req, nil
}

// sign signs with the secret, and with its predecessor while that is good.
func sign(h *wxnotify.Webhook, id string, now time.Time, body []byte) (string, error) {
	secrets := []wxnotify.Secret{h.Secret}
	if !h.OldSecret.IsZero() && now.Before(h.OldUntil) {
		secrets = append(secrets, h.OldSecret)
	}
	var signatures []string
	for _, s := range secrets {
		w, err := standardwebhooks.NewWebhook(s.Reveal())
		if err != nil {
			return "", errors.New("the secret is no base64")
		}
		one, err := w.Sign(id, now, body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, one)
	}
	return strings.Join(signatures, " "), nil
}

func answer(resp *http.Response, body []byte) wxnotify.Answer {
	a := wxnotify.Answer{Status: resp.StatusCode, Body: string(body[:min(len(body), shown)])}
	switch resp.StatusCode / 100 {
	case 2:
		return a
	case 3:
		a.Fault, a.Detail = wxnotify.FaultRedirect, "redirects are not followed: change the webhook's url"
	default:
		a.Fault = wxnotify.FaultStatus
	}
	a.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	return a
}

// retryAfter reads seconds or a date, at most LongestAfter.
func retryAfter(s string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(s); err == nil {
		wait = t.Sub(now)
	}
	return min(max(wait, 0), wxnotify.LongestAfter)
}

// failed says why there is no answer. *url.Error prints the address, so it is
// taken off.
func failed(ctx context.Context, err error, patience time.Duration) wxnotify.Answer {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	a := wxnotify.Answer{Fault: wxnotify.FaultConnection, Detail: err.Error()}
	var timeout net.Error
	switch {
	case errors.Is(err, errBlocked):
		a.Fault, a.Detail = wxnotify.FaultBlocked, errBlocked.Error()+"; the setting webhook_allow opens ranges"
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		a.Fault, a.Detail = wxnotify.FaultTimeout, "no whole answer within "+patience.String()
	case is[*net.DNSError](err):
		a.Fault = wxnotify.FaultDNS
	case is[*tls.CertificateVerificationError](err), is[x509.HostnameError](err), is[x509.UnknownAuthorityError](err),
		is[x509.CertificateInvalidError](err), is[tls.RecordHeaderError](err), is[tls.AlertError](err), errors.Is(err, http.ErrSchemeMismatch):
		a.Fault = wxnotify.FaultTLS
	}
	return a
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
