package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// Limits of what is read.
const (
	maxBody      = 256 << 10
	maxBatchBody = 8 << 20
	bodyTime     = 15 * time.Second // for a body to arrive
)

// body reads the whole body, of a media type that we read and of at most limit bytes.
func (c *call) body(limit int64) ([]byte, error) {
	if err := checkMediaType(c.r.Header); err != nil {
		return nil, err
	}
	if c.r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	rc := http.NewResponseController(c.w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTime)) // a recorder has no connection
	raw, err := readAll(http.MaxBytesReader(c.w, c.r.Body, limit), c.r.ContentLength)
	if err == nil { // else the deadline stays, or the rest of the body would be waited for
		_ = rc.SetReadDeadline(time.Time{})
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, wxnotify.Refuse(wxnotify.JSONMalformed, "the body broke off, or took longer than %s", bodyTime)
	}
	return raw, nil
}

func tooLarge(limit int64) error {
	return wxnotify.Refuse(wxnotify.BodyTooLarge, "the body is larger than %d KiB", limit>>10)
}

// readAll reads to the end. A length that was named saves the growing.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length <= 0 {
		return io.ReadAll(r)
	}
	raw := make([]byte, length)
	n, err := io.ReadFull(r, raw)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return raw[:n], err
}

// checkMediaType lets JSON in UTF-8 pass, uncompressed. No media type at all
// is taken for JSON: WeChat's clients often send none.
func checkMediaType(h http.Header) error {
	if e := h.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return wxnotify.Refuse(wxnotify.UnsupportedEncoding, "the body must not be compressed")
	}
	ct := h.Get("Content-Type")
	if ct == "" || ct == "application/json" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(ct)
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return wxnotify.Refuse(wxnotify.UnsupportedMediaType, "the body must be application/json")
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "utf8") {
		return wxnotify.Refuse(wxnotify.UnsupportedCharset, "the body must be UTF-8")
	}
	return nil
}
