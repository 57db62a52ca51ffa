package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wxnotify/wxnotify"
)

// demoKeySize makes a key of 16 characters, the shortest that is taken: it has
// to fit into a line beside two addresses.
const demoKeySize = 11

// demoKey returns the key of the demo in dir, made at its first start, so that
// a line from the shell's history works after the next one.
func demoKey(dir string) (wxnotify.Secret, error) {
	file := filepath.Join(dir, "key")
	text, err := os.ReadFile(file)
	if err == nil {
		return wxnotify.NewSecret(strings.TrimSpace(string(text))), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return wxnotify.Secret{}, err
	}
	key := "demo-" + strings.ToLower(rand.Text()[:demoKeySize])
	return wxnotify.NewSecret(key), os.WriteFile(file, []byte(key+"\n"), 0o600)
}
