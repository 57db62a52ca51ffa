package wxnotify

import (
	"encoding/hex"
	"strings"
)

// A Trace is the caller's trace to which a message belongs: the trace id and
// the flags of a W3C traceparent, as "4bf92f3577b34da6a3ce929d0e0e4736-01"; ""
// is none. Which of the caller's spans it was is not kept: what comes of a
// message, maybe days later, is a new span of the same trace.
type Trace string

// The lengths of what a traceparent is made of, as hexadecimal digits.
const (
	traceIDLen = 32
	spanIDLen  = 16
	parentLen  = 2 + 1 + traceIDLen + 1 + spanIDLen + 1 + 2
)

// TraceOf reads the values of the header traceparent, by W3C Trace Context. One
// that is malformed is as good as none, and so are two: a caller's tracing is
// no reason to refuse a message.
func TraceOf(values []string) Trace {
	if len(values) != 1 || len(values[0]) < parentLen {
		return ""
	}
	h := values[0]
	version, id, span, flags := h[:2], h[3:3+traceIDLen], h[36:36+spanIDLen], h[53:parentLen]
	ok := h[2] == '-' && h[35] == '-' && h[52] == '-' &&
		isHex(version) && version != "ff" && isHex(id) && strings.Trim(id, "0") != "" && isHex(span) && strings.Trim(span, "0") != "" && isHex(flags) &&
		(len(h) == parentLen || version != "00" && h[parentLen] == '-') // later versions may say more
	if !ok {
		return ""
	}
	b, _ := hex.DecodeString(flags)
	b[0] &= 0b11 // sampled, random id; what the others mean is not known
	return Trace(id + "-" + hex.EncodeToString(b))
}

// isHex says whether s has lower-case hexadecimal digits alone.
func isHex(s string) bool { return strings.Trim(s, hexDigits) == "" }

// ID is the trace id, "" without a trace.
func (t Trace) ID() string {
	id, _, _ := strings.Cut(string(t), "-")
	return id
}

// Parent is the header traceparent for what is called on behalf of the trace,
// as its span; "" without a trace.
func (t Trace) Parent(span [8]byte) string {
	id, flags, ok := strings.Cut(string(t), "-")
	if !ok {
		return ""
	}
	return "00-" + id + "-" + hex.EncodeToString(span[:]) + "-" + flags
}
