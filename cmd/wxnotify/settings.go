package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/server"
)

// remote says where the server is that everyday commands speak to. Its tags
// are settings, like those of server.Config.
type remote struct {
	Server string          `name:"server" placeholder:"URL" help:"Address of the server; http://127.0.0.1:8080 if left out." zh:"服务器地址，省略时为 http://127.0.0.1:8080"`
	Key    wxnotify.Secret `name:"key" placeholder:"KEY" help:"API key." zh:"API 密钥"`
}

// envPrefix is how our variables begin; those of our tests are nobody's mistake.
const envPrefix, envTests = "WXNOTIFY_", "WXNOTIFY_TEST_"

// settings finds the values of flags that were not given, in the environment
// and in the configuration file. It is kong's resolver.
type settings struct {
	config *string // the value of --config, once kong knows it
	known  []server.Setting
	once   sync.Once
	err    error
	file   map[string]string
}

// all lists what is a setting: other flags live on the command line only.
func all() []server.Setting {
	return append(server.Settings(), server.SettingsOf(reflect.TypeFor[remote]())...)
}

func (s *settings) lookup(flag string) (server.Setting, bool) {
	i := slices.IndexFunc(s.known, func(k server.Setting) bool { return k.Flag == flag })
	if i < 0 {
		return server.Setting{}, false
	}
	return s.known[i], true
}

// Validate is a part of kong's interface.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a setting that has no flag on the command line,
// nil if it has no value anywhere.
func (s *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	k, ok := s.lookup(flag.Name)
	if !ok || k.Secret && given(ctx, flag.Name+"-file") {
		return nil, nil
	}
	origin := k.Env()
	text, found, err := s.fromEnv(k)
	if err == nil && !found {
		origin = k.Key() + " of the configuration file"
		text, found, err = s.fromFile(k)
	}
	if err != nil || !found {
		return nil, err
	}
	// kong will read it again, and would only name the flag.
	if err := server.Set(reflect.New(flag.Target.Type()).Elem(), text); err != nil {
		return nil, fmt.Errorf("%s: %w", origin, err)
	}
	return text, nil
}

// given says whether the flag stands on the command line.
func given(ctx *kong.Context, name string) bool {
	return slices.ContainsFunc(ctx.Path, func(p *kong.Path) bool { return p.Flag != nil && !p.Resolved && p.Flag.Name == name })
}

// fromEnv takes an empty variable for one that is not set, as those who write
// container files expect.
func (s *settings) fromEnv(k server.Setting) (string, bool, error) {
	text, file := os.Getenv(k.Env()), os.Getenv(k.Env()+"_FILE")
	return either(k, k.Env(), text, text != "", k.Env()+"_FILE", file, file != "")
}

func (s *settings) fromFile(k server.Setting) (string, bool, error) {
	text, found := s.file[k.Key()]
	file, fileFound := s.file[k.Key()+"_file"]
	return either(k, k.Key(), text, found, k.Key()+"_file", file, fileFound)
}

// either chooses between a setting and the file that holds it.
func either(k server.Setting, name, text string, found bool, fileName, file string, fileFound bool) (string, bool, error) {
	switch {
	case !k.Secret || !fileFound:
		return text, found, nil
	case found:
		return "", false, fmt.Errorf("%s and %s are both set; keep one", name, fileName)
	}
	text, err := readSecret(file)
	return text, err == nil, err
}

// readSecret reads a file that holds a secret and perhaps a line break.
func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// load reads the configuration file and looks at the environment, once, before
// the first setting is asked for. kong calls it for every part of the command.
func (s *settings) load(ctx *kong.Context) error {
	s.once.Do(func() {
		s.known = all()
		s.err = s.loadFile(configFile(ctx))
		for _, w := range s.strangers(os.Environ()) {
			fmt.Fprintln(os.Stderr, "wxnotify: warning: "+w)
		}
	})
	return s.err
}

// configFile is the value of --config, or of WXNOTIFY_CONFIG.
func configFile(ctx *kong.Context) string {
	for _, f := range ctx.Model.Flags {
		if f.Name == "config" && given(ctx, "config") {
			return ctx.FlagValue(f).(string)
		}
	}
	return os.Getenv(envPrefix + "CONFIG")
}

func (s *settings) loadFile(name string) error {
	s.file = map[string]string{}
	if name == "" {
		return nil
	}
	var values map[string]any
	switch _, err := toml.DecodeFile(name, &values); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--config: there is no file %s", name)
	case err != nil:
		return fmt.Errorf("--config: %s: %w", name, err)
	}
	names := s.fileKeys()
	for key, value := range values {
		if !slices.Contains(names, key) {
			return fmt.Errorf("%s: unknown key %s%s", name, key, didYouMean(key, names, ""))
		}
		text, err := flat(value)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, key, err)
		}
		s.file[key] = text
	}
	return nil
}

func (s *settings) fileKeys() []string {
	var names []string
	for _, k := range s.known {
		names = append(names, k.Key())
		if k.Secret {
			names = append(names, k.Key()+"_file")
		}
	}
	return names
}

// flat writes a TOML value as a flag would have it.
func flat(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool, int64, float64:
		return fmt.Sprint(v), nil
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			text, err := flat(v[i])
			if err != nil {
				return "", err
			}
			parts[i] = text
		}
		return strings.Join(parts, ","), nil
	}
	return "", fmt.Errorf("want a text, a number, true or false, or a list of texts")
}

// strangers says which variables with our prefix are not ours. It is a warning
// and no error: Kubernetes injects some.
func (s *settings) strangers(environ []string) []string {
	names := []string{"CONFIG"}
	for _, k := range s.fileKeys() {
		names = append(names, strings.ToUpper(k))
	}
	var warnings []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		tail, ours := strings.CutPrefix(name, envPrefix)
		if ours && !strings.HasPrefix(name, envTests) && !slices.Contains(names, tail) {
			warnings = append(warnings, "the environment variable "+name+" is not known and was ignored"+didYouMean(tail, names, envPrefix))
		}
	}
	slices.Sort(warnings)
	return warnings
}
