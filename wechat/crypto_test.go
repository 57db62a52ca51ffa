package wechat

import (
	"bytes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	vectorKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	vectorAppID = "wx0123456789abcdef"
	vectorToken = "AAAAA"
)

var vectorRandom = [16]byte([]byte("0123456789abcdef"))

// The first two are WeChat's own; the others were computed by us with another
// implementation (wechat-api.md 6.1 and 6.2).
func TestSignature(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"f464b24fc39322e44b38aa78f5edd27bd1441696": {vectorToken, "1714036504", "1514711492"},
		"899cf89e464efb63f54ddac96b0a0a235f53aa78": {vectorToken, "1714037059", "486452656"},
		"67121ede6c30568627131be0ec915339d23ef20e": {vectorToken, "1714037059", "486452656", vectors[0].sealed},
		"62fff609589c5e96892780d8f88494f7ef2053d8": {vectorToken, "1714037059", "486452656", vectors[1].sealed},
	} {
		if got := Signature(parts...); got != want {
			t.Errorf("Signature(%q) = %s, want %s", parts, got, want)
		}
		if !Signed(want, parts...) {
			t.Errorf("Signed(%s, %q) = false", want, parts)
		}
		for _, wrong := range []string{"", want[:39], want + "0", "0" + want[1:39] + "x"} {
			if Signed(wrong, parts...) {
				t.Errorf("Signed(%q, %q) = true", wrong, parts)
			}
		}
	}
}

var vectors = []struct{ msg, sealed string }{
	{`{"ToUserName":"gh_97417a04a28d","Event":"debug_demo"}`,
		"Q3stYC6hdFzMh9T8HCvyDEbhLE3cTyJszZmI396srI2x0tsPtdblaWcNrNJzgydM7GRbzjMeakE1Lbd3GASIjAtf42XmPwaE1RxWa/yiDsnboE5k3nlsLsOP0SvK56LN"},
	{`{"ToUserName":"gh_97417a04a28d","Event":"debug_demo","A":1}`, // a pad of 31: tells block 32 from 16
		"Q3stYC6hdFzMh9T8HCvyDGcL7zB6NG4/Q1dZY1598CE0Z5g9ZtUHPiuKFT3Qkc6iYRWXjXQTTwz98xmt4sttV6/LjJ4mOuunIOvXvyqB9XojO6pEWDpesKUkikzecgqeSetFccjCcSsK4KX9y+NOgd8rYs8eVMN6obvOfqJ5bc8="},
}

func key(t testing.TB) Key {
	t.Helper()
	k, err := DecodeKey(vectorKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVectorsBothWays(t *testing.T) {
	t.Parallel()
	k := key(t)
	if got := hex.EncodeToString(k.bytes()); got != "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051" {
		t.Errorf("key is %s", got)
	}
	for _, v := range vectors {
		if got := seal(k, vectorRandom, vectorAppID, []byte(v.msg)); got != v.sealed {
			t.Errorf("seal(%s) = %s, want %s", v.msg, got, v.sealed)
		}
		got, err := Decrypt(k, vectorAppID, v.sealed)
		if err != nil || string(got) != v.msg {
			t.Errorf("Decrypt = %s, %v, want %s", got, err, v.msg)
		}
	}
}

func TestEveryLengthComesBack(t *testing.T) {
	t.Parallel()
	k := key(t)
	for n := range 100 {
		msg := bytes.Repeat([]byte{'m'}, n)
		got, err := Decrypt(k, vectorAppID, Encrypt(k, vectorAppID, msg))
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
		}
	}
	first, second := Encrypt(k, vectorAppID, nil), Encrypt(k, vectorAppID, nil)
	if first == second {
		t.Error("two seals of the same message are equal")
	}
}

func TestWhatIsNotSealedForUsIsRefused(t *testing.T) {
	t.Parallel()
	k := key(t)
	// raw seals bytes as they are, to make what WeChat never would.
	raw := func(plain string) string {
		b := []byte(plain)
		cbc(k, b)
		return base64.StdEncoding.EncodeToString(b)
	}
	head := "0123456789abcdef"
	flipped := []byte(vectors[0].sealed)
	flipped[40] ^= 1
	for name, sealed := range map[string]string{
		"nothing":                  "",
		"not base64":               "%%%%",
		"cut":                      vectors[0].sealed[:64],
		"not whole blocks":         base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"half a padding block":     base64.StdEncoding.EncodeToString(make([]byte, 48)),
		"one bit changed":          string(flipped),
		"another app":              Encrypt(k, "wxother", []byte("x")),
		"appid longer":             Encrypt(k, vectorAppID+"0", []byte("x")),
		"appid shorter":            Encrypt(k, vectorAppID[:17], []byte("x")),
		"no appid":                 Encrypt(k, "", []byte("x")),
		"pad of 0":                 raw(head + head[:15] + "\x00"),
		"pad of 33":                raw(head + head + head + head[:15] + "\x21"),
		"pad not the same":         raw(head + "\x00\x00\x00\x00" + "\x00\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"),
		"no room for length":       raw(head + "\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10"),
		"length beyond the end":    raw(head + "\x00\x00\x00\xff" + "\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"),
		"length that wraps around": raw(head + "\xff\xff\xff\xff" + "\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"),
		"too long":                 string(bytes.Repeat([]byte("A"), maxSealed+1)),
	} {
		if got, err := Decrypt(k, vectorAppID, sealed); !errors.Is(err, ErrSeal) || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	other, err := DecodeKey("B" + vectorKey[1:])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decrypt(other, vectorAppID, vectors[0].sealed); !errors.Is(err, ErrSeal) {
		t.Errorf("another key: %v", err)
	}
}

func TestDecodeKey(t *testing.T) {
	t.Parallel()
	// The last character's two spare bits do not count: G and H end alike.
	spare, err := DecodeKey(vectorKey[:42] + "H")
	if err != nil || spare != key(t) {
		t.Errorf("spare bits: %v", err)
	}
	for _, bad := range []string{"", vectorKey[:42], vectorKey + "=", vectorKey[:42] + "+", vectorKey[:42] + "\n", vectorKey[:40] + "密"} {
		if _, err := DecodeKey(bad); err == nil {
			t.Errorf("DecodeKey(%q) is fine", bad)
		}
	}
	inside := struct{ k Key }{key(t)}
	raw := string(inside.k.bytes())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		if got := fmt.Sprintf(verb, inside.k); got != "[redacted]" {
			t.Errorf("%s prints %s", verb, got)
		}
		got := fmt.Sprintf(verb, inside)
		for _, open := range []string{"%s", "%d", "%x", "% x", "%#v"} { // as bytes come to be printed
			if trimmed := strings.Trim(fmt.Sprintf(open, []byte(raw)), "[]"); strings.Contains(got, trimmed) {
				t.Errorf("%s prints it in an unexported field: %s", verb, got)
			}
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	k := key(f)
	for _, v := range vectors {
		f.Add(v.sealed)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		msg, err := Decrypt(k, vectorAppID, sealed)
		if err != nil {
			return
		}
		if again, err := Decrypt(k, vectorAppID, Encrypt(k, vectorAppID, msg)); err != nil || !bytes.Equal(again, msg) {
			t.Errorf("%q opens to %q but not again: %q, %v", sealed, msg, again, err)
		}
	})
}

func FuzzOpenedPlaintext(f *testing.F) {
	k := key(f)
	f.Add([]byte("0123456789abcdef\x00\x00\x00\x01xwx0123456789abcdef"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		b := append(bytes.Clone(plain), make([]byte, (padBlock-len(plain)%padBlock)%padBlock)...)
		cbc(k, b)
		if msg, err := Decrypt(k, vectorAppID, base64.StdEncoding.EncodeToString(b)); err == nil && len(msg) > len(b) {
			t.Errorf("%d bytes open to %d", len(b), len(msg))
		}
	})
}

// cbc encrypts whole blocks in place, without the frame.
func cbc(k Key, b []byte) { cipher.NewCBCEncrypter(k.block(), k.bytes()[:16]).CryptBlocks(b, b) }
