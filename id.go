package wxnotify

import (
	"strconv"
	"strings"
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
