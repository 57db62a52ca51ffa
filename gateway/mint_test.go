package gateway

import (
	"strings"
	"testing"
	"time"
)

var (
	testMint   = mint{secret: [32]byte{1, 2, 3}}
	testTicket = ticket{app: "wx7f3c9a1e5b2d8046", key: "key_01kb3x5wq7f8v9n2c4d6e8g0hj", queued: true}
)

func TestATokenIsGoodForItsWholeStatedLife(t *testing.T) {
	t.Parallel()
	begins := time.Unix(epoch(time.Now())*int64(expiresIn/time.Second), 0)
	for name, given := range map[string]time.Time{
		"first second": begins, "middle": begins.Add(time.Hour), "last second": begins.Add(expiresIn - time.Second),
	} {
		text := testMint.make(testTicket, given)
		if text != testMint.make(testTicket, begins) {
			t.Errorf("%s: the same key got two tokens within one epoch", name)
		}
		for _, age := range []time.Duration{-2 * time.Second, 0, time.Second, expiresIn / 2, expiresIn} {
			if got, ok := testMint.read(text, given.Add(age)); !ok || got != testTicket {
				t.Errorf("%s: after %s: got %+v, %t", name, age, got, ok)
			}
		}
		if _, ok := testMint.read(text, given.Add(2*expiresIn+leeway+time.Second)); ok {
			t.Errorf("%s: it never ends", name)
		}
	}
}

func TestATokenLooksLikeWeChats(t *testing.T) {
	t.Parallel()
	text := testMint.make(testTicket, time.Now())
	if n := len(text); n < 64 || n > 512 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("%d characters: %s", n, text)
	}
}

func TestNobodyElseMakesATokenOrAltersOne(t *testing.T) {
	t.Parallel()
	now := time.Now()
	text := testMint.make(testTicket, now)
	if _, ok := (mint{secret: [32]byte{1}}).read(text, now); ok {
		t.Error("a token of another server was taken")
	}
	for i := range len(text) {
		for _, c := range []byte{'A', 'z', '0', '_'} {
			altered := text[:i] + string(c) + text[i+1:]
			if _, ok := testMint.read(altered, now); ok != (altered == text) {
				t.Errorf("altered at %d: %t", i, ok)
			}
		}
		if _, ok := testMint.read(text[:i], now); ok {
			t.Errorf("cut off at %d", i)
		}
	}
}

func FuzzReadToken(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	f.Add(testMint.make(testTicket, now))
	f.Add(tokenPrefix)
	f.Add(testMint.make(testTicket, now) + "\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := testMint.read(text, now); ok && testMint.make(got, now) != text && testMint.make(got, now.Add(-expiresIn)) != text {
			t.Errorf("%q was taken for a token of ours", text)
		}
	})
}
