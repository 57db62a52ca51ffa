package wechat

import (
	"bytes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The key and the app of WeChat's older sample, for what has no example.
const (
	sampleKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	sampleAppID = "wx2c2769f8efd9abc2"
)

// A pushed is one of WeChat's own examples of its push (testdata/README.md).
type pushed struct {
	Name         string `json:"name"`
	Token        string `json:"token"`
	Key          string `json:"encoding_aes_key"`
	AppID        string `json:"appid"`
	Timestamp    string `json:"timestamp"`
	Nonce        string `json:"nonce"`
	Signature    string `json:"signature"`
	MsgSignature string `json:"msg_signature"`
	Encrypt      string `json:"encrypt"`
	Random       string `json:"random"`
	Msg          string `json:"msg"`
}

// examples are all of them.
func examples(t testing.TB) (all []pushed) {
	t.Helper()
	text, err := os.ReadFile("testdata/push.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatal("no examples: ", err)
	}
	return all
}

// sealedSample is what the older sample says, sealed.
func sealedSample(t testing.TB) string {
	t.Helper()
	for _, e := range examples(t) {
		if e.Key == sampleKey && e.AppID == sampleAppID {
			return e.Encrypt
		}
	}
	t.Fatal("the older sample is missing")
	return ""
}

func TestSignaturesAreWeChats(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		parts := []string{e.Token, e.Timestamp, e.Nonce}
		if e.Signature != "" {
			signs(t, e.Name, e.Signature, parts)
		}
		if e.Encrypt != "" {
			signs(t, e.Name, e.MsgSignature, append(parts, e.Encrypt))
		}
	}
}

// signs wants the signature of the parts, and no other one, to be right.
func signs(t *testing.T, name, want string, parts []string) {
	t.Helper()
	if got := Signature(parts...); got != want {
		t.Errorf("%s: Signature(%q) = %s, want %s", name, parts, got, want)
	}
	if !Signed(want, parts...) {
		t.Errorf("%s: Signed(%s, %q) = false", name, want, parts)
	}
	for _, wrong := range []string{"", want[:39], want + "0", "0" + want[1:39] + "x"} {
		if Signed(wrong, parts...) {
			t.Errorf("%s: Signed(%q, %q) = true", name, wrong, parts)
		}
	}
}

func key(t testing.TB) Key {
	t.Helper()
	return decoded(t, sampleKey)
}

func decoded(t testing.TB, encoded string) Key {
	t.Helper()
	k, err := DecodeKey(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealsAreWeChatsBothWays(t *testing.T) {
	t.Parallel()
	sealed := 0
	for _, e := range examples(t) {
		if e.Encrypt == "" {
			continue
		}
		sealed++
		k := decoded(t, e.Key)
		if got := seal(k, [16]byte([]byte(e.Random)), e.AppID, []byte(e.Msg)); got != e.Encrypt {
			t.Errorf("%s: seal(%s) = %s, want %s", e.Name, e.Msg, got, e.Encrypt)
		}
		if got, err := Decrypt(k, e.AppID, e.Encrypt); err != nil || string(got) != e.Msg {
			t.Errorf("%s: Decrypt = %s, %v, want %s", e.Name, got, err, e.Msg)
		}
	}
	if sealed != 3 {
		t.Errorf("%d examples are sealed, want the three of testdata/README.md", sealed)
	}
}

func TestEveryLengthComesBack(t *testing.T) {
	t.Parallel()
	k := key(t)
	for n := range 100 {
		msg := bytes.Repeat([]byte{'m'}, n)
		got, err := Decrypt(k, sampleAppID, Encrypt(k, sampleAppID, msg))
		if err != nil || !bytes.Equal(got, msg) {
			t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
		}
	}
	first, second := Encrypt(k, sampleAppID, nil), Encrypt(k, sampleAppID, nil)
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
	good := sealedSample(t)
	flipped := []byte(good)
	flipped[40] ^= 1
	for name, sealed := range map[string]string{
		"nothing":                  "",
		"not base64":               "%%%%",
		"cut":                      good[:64],
		"not whole blocks":         base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"half a padding block":     base64.StdEncoding.EncodeToString(make([]byte, 48)),
		"one bit changed":          string(flipped),
		"another app":              Encrypt(k, "wxother", []byte("x")),
		"appid longer":             Encrypt(k, sampleAppID+"0", []byte("x")),
		"appid shorter":            Encrypt(k, sampleAppID[:17], []byte("x")),
		"no appid":                 Encrypt(k, "", []byte("x")),
		"pad of 0":                 raw(head + head[:15] + "\x00"),
		"pad of 33":                raw(head + head + head + head[:15] + "\x21"),
		"pad not the same":         raw(head + "\x00\x00\x00\x00" + "\x00\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"),
		"no room for length":       raw(head + "\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10"),
		"length beyond the end":    raw(head + "\x00\x00\x00\xff" + "\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"),
		"length that wraps around": raw(head + "\xff\xff\xff\xff" + "\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"),
		"too long":                 string(bytes.Repeat([]byte("A"), maxSealed+1)),
	} {
		if got, err := Decrypt(k, sampleAppID, sealed); !errors.Is(err, ErrSeal) || got != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if _, err := Decrypt(decoded(t, "B"+sampleKey[1:]), sampleAppID, good); !errors.Is(err, ErrSeal) {
		t.Errorf("another key: %v", err)
	}
}

func TestDecodeKey(t *testing.T) {
	t.Parallel()
	if got := hex.EncodeToString(key(t).bytes()); got != "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051" {
		t.Errorf("key is %s", got)
	}
	// The last character's two spare bits do not count: G and H end alike.
	spare, err := DecodeKey(sampleKey[:42] + "H")
	if err != nil || spare != key(t) {
		t.Errorf("spare bits: %v", err)
	}
	for _, bad := range []string{"", sampleKey[:42], sampleKey + "=", sampleKey[:42] + "+", sampleKey[:42] + "\n", sampleKey[:40] + "密"} {
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
	for _, e := range examples(f) {
		f.Add(e.Encrypt)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		msg, err := Decrypt(k, sampleAppID, sealed)
		if err != nil {
			return
		}
		if again, err := Decrypt(k, sampleAppID, Encrypt(k, sampleAppID, msg)); err != nil || !bytes.Equal(again, msg) {
			t.Errorf("%q opens to %q but not again: %q, %v", sealed, msg, again, err)
		}
	})
}

// What opens is the message that stands behind its length and before the appid.
func FuzzOpenedPlaintext(f *testing.F) {
	k := key(f)
	for _, size := range []string{"\x00\x00\x00\x01", "\x00\x00\x00\x00", "\x00\x00\x00\x02", "\xff\xff\xff\xff"} {
		f.Add([]byte("0123456789abcdef" + size + "x" + sampleAppID))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		// Whole blocks go as they are, all else with the padding that is right.
		if pad := padBlock - len(plain)%padBlock; pad < padBlock {
			plain = append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
		}
		b := bytes.Clone(plain)
		cbc(k, b)
		msg, err := Decrypt(k, sampleAppID, base64.StdEncoding.EncodeToString(b))
		if err != nil {
			return
		}
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(msg))), string(msg)+sampleAppID...)
		if !bytes.HasPrefix(plain[16:], frame) {
			t.Errorf("%q opens to %q", plain, msg)
		}
	})
}

// cbc encrypts whole blocks in place, without the frame.
func cbc(k Key, b []byte) { cipher.NewCBCEncrypter(k.block(), k.bytes()[:16]).CryptBlocks(b, b) }
