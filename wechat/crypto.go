package wechat

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"unique"

	"github.com/wxnotify/wxnotify"
)

// ErrSeal says that a callback was not sealed with this key for this app. It
// does not tell what is wrong with it, so that nobody learns from the answer.
var ErrSeal = errors.New("wechat: the callback is not sealed with this key for this app")

// Signature is WeChat's signature of a callback: SHA-1, in hex, over the parts
// in byte order, joined. The parts are token, timestamp and nonce, and for
// msg_signature the ciphertext as well (wechat-api.md 6.1 and 6.2).
func Signature(parts ...string) string {
	sorted := slices.Clone(parts)
	slices.Sort(sorted)
	h := sha1.New()
	for _, p := range sorted {
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Signed compares a signature with that of the parts in constant time.
func Signed(signature string, parts ...string) bool {
	return subtle.ConstantTimeCompare([]byte(signature), []byte(Signature(parts...))) == 1
}

// A Key seals and opens callbacks. It prints as [redacted], and holds its bytes
// where fmt does not find them in an unexported field.
type Key struct{ h unique.Handle[string] }

// bytes are those of a key that DecodeKey made.
func (k Key) bytes() []byte { return []byte(k.h.Value()) }

// Format prints [redacted], whatever is asked for.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

func (Key) String() string { return "[redacted]" }

// GoString is String, for %#v.
func (Key) GoString() string { return "[redacted]" }

// MarshalText is String, for encoders.
func (Key) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// DecodeKey reads an EncodingAESKey: 43 letters and digits. The last one has
// two spare bits, which may hold anything.
func DecodeKey(encoded string) (Key, error) {
	if len(encoded) != 43 {
		return Key{}, wxnotify.Refuse(wxnotify.FieldInvalid, "an EncodingAESKey has exactly 43 letters and digits")
	}
	for i := range len(encoded) {
		if c := encoded[i]; !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return Key{}, wxnotify.Refuse(wxnotify.FieldInvalid, "an EncodingAESKey has only letters and digits")
		}
	}
	b, err := base64.StdEncoding.DecodeString(encoded + "=")
	if err != nil || len(b) != 32 {
		return Key{}, wxnotify.Refuse(wxnotify.FieldInvalid, "an EncodingAESKey has exactly 43 letters and digits")
	}
	return Key{unique.Make(string(b))}, nil
}

// padBlock is the block of the padding, twice that of the cipher.
const padBlock = 32

// maxSealed bounds the text of a ciphertext, in bytes.
const maxSealed = 1 << 20

// Encrypt seals msg for an app as WeChat's safe mode does. The result is the
// text of Encrypt, in base64.
func Encrypt(k Key, appid string, msg []byte) string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return seal(k, random, appid, msg)
}

// seal is Encrypt without chance: random, length, msg, appid, padding; AES-CBC
// with the front of the key as first vector.
func seal(k Key, random [16]byte, appid string, msg []byte) string {
	b := make([]byte, 0, 16+4+len(msg)+len(appid)+padBlock)
	b = append(b, random[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(msg)))
	b = append(append(b, msg...), appid...)
	pad := padBlock - len(b)%padBlock
	for range pad {
		b = append(b, byte(pad))
	}
	cipher.NewCBCEncrypter(k.block(), k.bytes()[:16]).CryptBlocks(b, b)
	return base64.StdEncoding.EncodeToString(b)
}

// Decrypt opens what was sealed for an app, and refuses with ErrSeal whatever
// has the wrong length, padding or appid. Check msg_signature before.
func Decrypt(k Key, appid, encrypted string) ([]byte, error) {
	if len(encrypted) > maxSealed {
		return nil, ErrSeal
	}
	b, err := base64.StdEncoding.Strict().DecodeString(encrypted)
	if err != nil || len(b) == 0 || len(b)%padBlock != 0 {
		return nil, ErrSeal
	}
	cipher.NewCBCDecrypter(k.block(), k.bytes()[:16]).CryptBlocks(b, b)
	b, ok := unpad(b)
	if !ok || len(b) < 20 {
		return nil, ErrSeal
	}
	size, b := uint64(binary.BigEndian.Uint32(b[16:20])), b[20:]
	if size > uint64(len(b)) || subtle.ConstantTimeCompare(b[size:], []byte(appid)) != 1 {
		return nil, ErrSeal
	}
	return b[:size], nil
}

// unpad takes PKCS#7 padding over 32 bytes off, after looking at all of it.
func unpad(b []byte) ([]byte, bool) {
	pad := int(b[len(b)-1])
	if pad < 1 || pad > padBlock {
		return nil, false
	}
	rest, tail := b[:len(b)-pad], b[len(b)-pad:]
	same := 1
	for _, c := range tail {
		same &= subtle.ConstantTimeByteEq(c, byte(pad))
	}
	return rest, same == 1
}

func (k Key) block() cipher.Block {
	block, err := aes.NewCipher(k.bytes())
	if err != nil {
		panic("wechat: " + err.Error()) // 32 bytes always fit
	}
	return block
}
