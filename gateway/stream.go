package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wxnotify/wxnotify/wechat"
)

// An upload is the body of a call that is passed through: kept whole where it
// is small, else a stream that can be read once.
type upload struct {
	kept   []byte
	whole  bool
	stream io.Reader
	length int64 // of the stream; -1: not known
}

// upload reads the beginning of the body, and all of it where that is little.
func (c *call) upload() (u upload, err error) {
	if u.length = c.r.ContentLength; u.length > maxUpload {
		return u, say(45002)
	}
	u.stream = http.MaxBytesReader(c.w, c.r.Body, maxUpload)
	if u.length > maxBody {
		return u, nil
	}
	u.kept, err = io.ReadAll(io.LimitReader(u.stream, maxBody+1))
	if err != nil {
		return u, say(busy, "the body broke off")
	}
	u.whole = len(u.kept) <= maxBody
	return u, nil
}

// passage is the call that r asks for.
func (u upload) passage(r *http.Request) wechat.Passage {
	p := wechat.Passage{Method: r.Method, Path: r.URL.Path, Query: withoutToken(r.URL.RawQuery), Header: r.Header}
	switch {
	case u.whole && len(u.kept) == 0:
	case u.whole:
		p.Body, p.Length = bytes.NewReader(u.kept), int64(len(u.kept))
	default:
		p.Body, p.Length = io.MultiReader(bytes.NewReader(u.kept), u.stream), u.length
	}
	return p
}

// withoutToken is a raw query without its access_token, the rest as it was.
func withoutToken(raw string) string {
	var rest []string
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); part == "" || err == nil && plain == "access_token" {
			continue
		}
		rest = append(rest, part)
	}
	return strings.Join(rest, "&")
}

// A download is WeChat's answer, its beginning in memory.
type download struct {
	resp  *http.Response
	head  []byte
	whole bool // the head is all
}

// maxGlance is how much of an answer is looked at: refusals are a few hundred
// bytes.
const maxGlance = 8 << 10

func glance(resp *http.Response) (download, error) {
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxGlance+1))
	return download{resp: resp, head: head, whole: len(head) <= maxGlance}, err
}

// errcode is that of a short answer in JSON, 0 of any other.
func (d *download) errcode() int {
	var in struct {
		Errcode jsontext.Value `json:"errcode"`
	}
	if !d.whole || json.Unmarshal(d.head, &in, lax) != nil {
		return 0
	}
	n, _ := strconv.Atoi(plain(in.Errcode))
	return n
}

// inURL is an access_token in a URL, as JSON may write it.
var inURL = regexp.MustCompile(`(access_token(?:=|\\u003[dD]))[^&"\\\s]+`)

// redact hides real tokens, that of this call and those of others, from those
// who may not have them: rid/get, for one, tells the URL of an earlier call.
// The mask is as long as the token, so that lengths stay true. Of a stream only
// the head is looked at: rid/get says the URL before all that is long.
func (d *download) redact(token string) {
	d.head = bytes.ReplaceAll(d.head, []byte(token), mask(len(token)))
	if !bytes.HasPrefix(bytes.TrimSpace(d.head), []byte("{")) {
		return
	}
	for _, at := range inURL.FindAllSubmatchIndex(d.head, -1) {
		copy(d.head[at[3]:at[1]], mask(at[1]-at[3]))
	}
}

func mask(n int) []byte { return bytes.Repeat([]byte("*"), n) }

// answerHeaders are what of WeChat's answer the caller gets to see.
var answerHeaders = []string{"Content-Type", "Content-Disposition", "Content-Range", "Accept-Ranges", "Last-Modified"}

// copy passes the answer on. What breaks off half way is broken off for the
// caller as well, who must not take it for the whole.
func (d *download) copy(w http.ResponseWriter) {
	h := w.Header()
	for _, name := range answerHeaders {
		if list := d.resp.Header.Values(name); len(list) > 0 {
			h[name] = list
		}
	}
	h.Set("Cache-Control", "no-store")
	switch {
	case d.whole:
		h.Set("Content-Length", strconv.Itoa(len(d.head)))
	case d.resp.ContentLength >= 0:
		h.Set("Content-Length", strconv.FormatInt(d.resp.ContentLength, 10))
	}
	w.WriteHeader(d.resp.StatusCode)
	_, err := w.Write(d.head)
	if err == nil && !d.whole {
		_, err = io.Copy(w, d.resp.Body)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}
