package sandbox

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	mrand "math/rand/v2"
	"strings"
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const idAlphabet = alphanumeric + "-_"

// randomText returns n random characters of the alphabet, for ids that need to
// be unique but are no secrets.
func randomText(alphabet string, n int) string {
	var b strings.Builder
	b.Grow(n)
	for range n {
		b.WriteByte(alphabet[mrand.IntN(len(alphabet))])
	}
	return b.String()
}

func randomHex(n int) string {
	return hex.EncodeToString(randomBytes((n + 1) / 2))[:n]
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// newToken looks like WeChat's: 136 characters that say nothing.
func newToken() string { return base64.RawURLEncoding.EncodeToString(randomBytes(102)) }

// newSessionKey is 24 characters of base64, as WeChat's is.
func newSessionKey() string { return base64.StdEncoding.EncodeToString(randomBytes(16)) }

func newCode() string       { return "0" + randomText(alphanumeric, 31) }
func newOpenid() string     { return "o" + randomText(idAlphabet, 27) }
func newTemplateID() string { return randomText(idAlphabet, 43) }
func newFormID() string     { return randomHex(32) }
