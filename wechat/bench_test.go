package wechat

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/wxnotify/wxnotify"
)

// silent is a WeChat that answers ok to whatever comes, without allocating.
func silent(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerAll(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

func answerAll(conn net.Conn) {
	defer conn.Close()
	answer, b, n := []byte(whole), make([]byte, 64<<10), 0
	for {
		m, err := conn.Read(b[n:])
		if n += m; err != nil {
			return
		}
		head, _, ok := bytes.Cut(b[:n], []byte("\r\n\r\n"))
		if !ok {
			continue
		}
		_, rest, _ := bytes.Cut(head, []byte("Content-Length: "))
		digits, _, _ := bytes.Cut(rest, []byte("\r\n"))
		if size, _ := strconv.Atoi(string(digits)); n < len(head)+4+size {
			continue
		}
		n = 0
		conn.Write(answer)
	}
}

// card is a message of the usual size, about 700 bytes.
var card = func() []byte {
	b := []byte(`{"form_id":"22d907226dcd4542afb8829fa5e20768","touser":"oABCDEFGHIJKLMNOPQRSTUVWXYZ0","template_id":"AT0002mU6SfVVBPVTHF6pR1Fw1vJNHOOVpq9NSvrsp8","data":{`)
	for i := range 6 {
		b = fmt.Appendf(b, `"keyword%d":{"value":"请手机保持通畅请手机保持通畅请手机","color":"#173177"},`, i+1)
	}
	return append(b[:len(b)-1], "}}"...)
}()

func BenchmarkSend(b *testing.B) {
	c := New(Options{URL: silent(b)})
	b.Cleanup(c.Close)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if o := c.Send(b.Context(), sample["token"], wxnotify.ChannelTemplate, card); o.Kind != wxnotify.Accepted {
				b.Error(o)
			}
		}
	})
}

// BenchmarkBare is what net/http costs without any of us: the ceiling.
func BenchmarkBare(b *testing.B) {
	url := silent(b) + "/cgi-bin/message/wxopen/template/send?access_token=" + sample["token"]
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.Cleanup(c.CloseIdleConnections)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			resp, err := c.Post(url, "application/json", bytes.NewReader(card))
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}

// What a send allocates beyond net/http's own share is small and stays so. Not
// parallel: allocations are counted over the whole process. The race detector
// makes sync.Pool forget, hence some slack.
func TestSendAllocatesLittle(t *testing.T) {
	c := New(Options{URL: silent(t)})
	t.Cleanup(c.Close)
	n := testing.AllocsPerRun(500, func() {
		if o := c.Send(t.Context(), sample["token"], wxnotify.ChannelTemplate, card); o.Kind != wxnotify.Accepted {
			t.Fatal(o)
		}
	})
	if n > 64 {
		t.Errorf("%v allocations for a send", n)
	}
}
