package console

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/wxnotify/wxnotify"
)

// The cost of a password (argon2id, as OWASP advises): 19 MiB, two passes. It
// stands in the encoded text, so that it can be raised later.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
)

// Lengths of a password, in characters.
const (
	minPassword = 10
	maxPassword = 200
)

// hashing bounds how many passwords are checked at once: each takes memory.
var hashing = make(chan struct{}, 4)

func hashPassword(password string) wxnotify.Secret {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	enc := base64.RawStdEncoding
	return wxnotify.NewSecret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		enc.EncodeToString(salt), enc.EncodeToString(argon(password, salt, argonTime, argonMemory, argonLanes))))
}

func argon(password string, salt []byte, passes, memory uint32, lanes uint8) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, 32)
}

// nobody is the password of users that do not exist, so that an answer takes as
// long for them.
var nobody = hashPassword("nobody has this password")

// isPassword says whether password is the one that was hashed.
func isPassword(hashed wxnotify.Secret, password string) bool {
	known := !hashed.IsZero()
	if !known {
		hashed = nobody
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	var rest string
	if _, err := fmt.Sscanf(hashed.Reveal(), "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &memory, &passes, &lanes, &rest); err != nil {
		return false
	}
	salt, sum, ok := decodePair(rest)
	if !ok {
		return false
	}
	same := subtle.ConstantTimeCompare(sum, argon(password, salt, passes, memory, lanes)) == 1
	return same && known
}

func decodePair(text string) (salt, sum []byte, ok bool) {
	for i := range len(text) {
		if text[i] != '$' {
			continue
		}
		enc := base64.RawStdEncoding
		salt, err := enc.DecodeString(text[:i])
		if err != nil {
			return nil, nil, false
		}
		sum, err := enc.DecodeString(text[i+1:])
		return salt, sum, err == nil
	}
	return nil, nil, false
}

// wrongPassword is the key of what is wrong with a new password; "": nothing.
func wrongPassword(password, again string) string {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword || n > maxPassword:
		return "password_short"
	case password != again:
		return "password_differs"
	}
	return ""
}
