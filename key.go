package wxnotify

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"time"
)

// KeyPrefixText is what the text of every key of ours begins with, so that
// scanners of source code can find one that was left there.
const KeyPrefixText = "wxn_"

var keyEncoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// KeyText writes 256 random bits as the text of a key. A checksum at its end
// tells a mistyped key from an unknown one without a look into the database.
func KeyText(random [32]byte) string {
	sum := binary.BigEndian.AppendUint32(random[:], crc32.ChecksumIEEE(random[:]))
	return KeyPrefixText + keyEncoding.EncodeToString(sum)
}

// ValidKeyText says whether s can be a key that KeyText wrote.
func ValidKeyText(s string) bool {
	rest, ok := strings.CutPrefix(s, KeyPrefixText)
	if !ok {
		return false
	}
	b, err := keyEncoding.DecodeString(rest)
	return err == nil && len(b) == 36 && binary.BigEndian.Uint32(b[32:]) == crc32.ChecksumIEEE(b[:32])
}

// KeyHash is what is kept of a key, of a session and of a login code. It needs
// no salt: nobody guesses 256 bits.
func KeyHash(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// Live says whether the key opens anything at real time now.
func (k Key) Live(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}
