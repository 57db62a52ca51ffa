package wxnotify

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestEncodeIDKeepsTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "a"))
		b := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "b"))
		x, y := EncodeID("", a), EncodeID("", b)
		if len(x) != 26 || (bytes.Compare(a[:], b[:]) < 0) != (x < y) {
			t.Fatalf("%x %x became %s %s", a, b, x, y)
		}
	})
}

func TestAttemptIDThereAndBack(t *testing.T) {
	t.Parallel()
	id := AttemptID("msg_01jd", 12)
	if m, n, ok := ParseAttemptID(id); m != "msg_01jd" || n != 12 || !ok {
		t.Errorf("%s is read as %s, %d, %v", id, m, n, ok)
	}
	for _, bad := range []string{"", "att_", "att_x", "att_x_0", "att_x_y", "msg_x_1"} {
		if _, _, ok := ParseAttemptID(bad); ok {
			t.Errorf("%q is read as an attempt's id", bad)
		}
	}
}
