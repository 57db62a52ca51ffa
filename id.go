package wxnotify

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Prefixes of our ids. The rest of an id is opaque outside.
const (
	MessagePrefix = "msg_"
	PermitPrefix  = "prm_"
	AttemptPrefix = "att_"
	KeyPrefix     = "key_"
)

// alphabet is Crockford's base32 in lower case: it sorts like the bytes, has
// no look-alikes, and is selected whole by a double click.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// DecodeText reads what base64.RawURLEncoding wrote, and nothing else that means
// the same: of each text there is one. base64 itself passes over line breaks,
// also where it is strict.
func DecodeText(s string) (b []byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return b, err == nil && !strings.ContainsAny(s, "\r\n")
}

// RequestID takes over the id that a caller sent with its request, where that
// is a plain word, or makes one of a random number.
func RequestID(sent string, random uint64) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' || r == '.'
	}
	if sent != "" && len(sent) <= 128 && strings.IndexFunc(sent, func(r rune) bool { return !plain(r) }) < 0 {
		return sent
	}
	return "req_" + strconv.FormatUint(random, 36)
}

// EncodeID writes u as 26 letters and digits behind prefix. Ids of UUIDv7
// sort by the time of their making.
func EncodeID(prefix string, u [16]byte) string {
	var out [26]byte
	var acc, bits uint
	n := len(out)
	for i := len(u) - 1; i >= 0; i-- {
		acc |= uint(u[i]) << bits
		for bits += 8; bits >= 5; bits -= 5 {
			n--
			out[n] = alphabet[acc&31]
			acc >>= 5
		}
	}
	out[0] = alphabet[acc&31]
	return prefix + string(out[:])
}

// AttemptID names the n-th attempt of a message. It is derived, so that an
// attempt needs neither a column nor an index for it.
func AttemptID(message string, n int) string {
	return AttemptPrefix + strings.TrimPrefix(message, MessagePrefix) + "_" + strconv.Itoa(n)
}

// ParseAttemptID is AttemptID backwards.
func ParseAttemptID(id string) (message string, n int, ok bool) {
	tail, found := strings.CutPrefix(id, AttemptPrefix)
	tail, num, cut := strings.Cut(tail, "_")
	n, err := strconv.Atoi(num)
	return MessagePrefix + tail, n, found && cut && err == nil && n > 0
}

// IDTime is when an id was made that EncodeID wrote from a UUIDv7, to the
// millisecond; zero where it is none.
func IDTime(id string) time.Time {
	_, tail, _ := strings.Cut(id, "_")
	if len(tail) != 26 {
		return time.Time{}
	}
	var acc uint64
	for i := range 10 { // 3 bits and nine times 5: the milliseconds
		n := strings.IndexByte(alphabet, tail[i])
		if n < 0 {
			return time.Time{}
		}
		acc = acc<<5 | uint64(n)
	}
	return time.UnixMilli(int64(acc)).UTC()
}
