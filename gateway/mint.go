package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// expiresIn is what is said of every gateway token, and kept: some SDKs take
// 1,500 s and more off it and fail when nothing is left. Tokens change with the
// epoch, which is as long, so that the one before is still good as well.
const expiresIn = 2 * time.Hour

// leeway is how far the clocks of two nodes may differ.
const leeway = time.Minute

// tokenPrefix begins every gateway token, so that scanners can find one that
// was left somewhere.
const tokenPrefix = "wxg_"

// A mint makes and reads gateway tokens. It remembers none: a token says whose
// it is, under a seal.
type mint struct{ secret [32]byte }

// A ticket is what a gateway token says.
type ticket struct {
	app, key string // appid, and the id of a key
	queued   bool   // sends are answered when they are durable
}

const (
	tokenVersion = 1
	flagQueued   = 1
	headSize     = 7 // version, flags, epoch, length of the key's id
	sealSize     = 24
)

// make writes the token of the epoch that now lies in.
func (m mint) make(t ticket, now time.Time) string {
	b := make([]byte, 0, 128)
	b = append(b, tokenVersion, 0)
	if t.queued {
		b[1] = flagQueued
	}
	b = binary.BigEndian.AppendUint32(b, uint32(epoch(now)))
	b = append(append(append(b, byte(len(t.key))), t.key...), t.app...)
	b = append(b, m.seal("token", string(b))[:sealSize]...)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// read opens a token that this mint made and that is still good.
func (m mint) read(text string, now time.Time) (t ticket, ok bool) {
	text, ours := strings.CutPrefix(text, tokenPrefix)
	b, ok := wxnotify.DecodeText(text)
	if !ours || !ok || len(b) < headSize+sealSize || b[0] != tokenVersion {
		return t, false
	}
	b, seal := b[:len(b)-sealSize], b[len(b)-sealSize:]
	if !hmac.Equal(seal, m.seal("token", string(b))[:sealSize]) {
		return t, false
	}
	begins := time.Unix(int64(binary.BigEndian.Uint32(b[2:]))*int64(expiresIn/time.Second), 0)
	if now.Before(begins.Add(-leeway)) || now.After(begins.Add(2*expiresIn+leeway)) {
		return t, false
	}
	n := headSize + int(b[6])
	if n > len(b) {
		return t, false
	}
	return ticket{key: string(b[headSize:n]), app: string(b[n:]), queued: b[1]&flagQueued != 0}, true
}

// seal is a keyed hash of the parts, for one purpose.
func (m mint) seal(purpose string, parts ...string) []byte {
	h := hmac.New(sha256.New, m.secret[:])
	h.Write([]byte(purpose))
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

func epoch(now time.Time) int64 { return now.Unix() / int64(expiresIn/time.Second) }
