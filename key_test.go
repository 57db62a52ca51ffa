package wxnotify

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

func TestKeyTextIsKnownByItsChecksum(t *testing.T) {
	t.Parallel()
	var random [32]byte
	_, _ = rand.Read(random[:])
	text := KeyText(random)
	if !ValidKeyText(text) || !strings.HasPrefix(text, "wxn_") || len(text) != 62 {
		t.Fatalf("a fresh key of length %d is not valid", len(text))
	}
	for i := range text[:len(text)-1] { // the last character holds padding bits
		other := "0"
		if text[i] == '0' {
			other = "1"
		}
		if wrong := text[:i] + other + text[i+1:]; ValidKeyText(wrong) {
			t.Errorf("changed at %d it is still valid", i)
		}
	}
	for _, s := range []string{"", "wxn_", text + "0", text[:61], strings.ToUpper(text)} {
		if ValidKeyText(s) {
			t.Errorf("%d characters are valid", len(s))
		}
	}
}

func TestKeyLives(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	for name, c := range map[string]struct {
		key  Key
		want bool
	}{
		"for ever":     {Key{}, true},
		"until later":  {Key{ExpiresAt: now.Add(1)}, true},
		"until now":    {Key{ExpiresAt: now}, false},
		"revoked once": {Key{RevokedAt: now.Add(-1), ExpiresAt: now.Add(1)}, false},
	} {
		if got := c.key.Live(now); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
