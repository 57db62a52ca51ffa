package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/wxnotify/wxnotify"
	"github.com/wxnotify/wxnotify/server"
)

// prepare fits the grammar to the table of settings: a command has the flags
// that the table gives it, demo has its own defaults, and each secret may also
// be given as a file.
func (s *settings) prepare(k *kong.Kong) error {
	return kong.Visit(k.Model.Node, func(v kong.Visitable, next kong.Next) error {
		if n, ok := v.(*kong.Node); ok && n.Type == kong.CommandNode {
			n.Flags = fit(n)
		}
		return next(nil)
	})
}

func fit(n *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for _, f := range n.Flags {
		if f.Tag.Has("for") && !slices.Contains(strings.Fields(f.Tag.Get("for")), heeds(first(n))) {
			continue
		}
		if first(n) == "demo" && f.Tag.Has("demo") {
			f.Default, f.HasDefault = f.Tag.Get("demo"), true
		}
		if f.HasDefault && f.PlaceHolder != "" {
			f.Help += " Default " + f.Default + "."
		}
		// The twin stands first: each resets the field that they share, and
		// the default is the one that has to last.
		if f.Target.Type() == reflect.TypeFor[wxnotify.Secret]() {
			flags = append(flags, fileTwin(f))
		}
		flags = append(flags, f)
	}
	return flags
}

// heeds is the command whose settings a command takes: doctor looks at what
// serve would do.
func heeds(command string) string {
	if command == "doctor" {
		return "serve"
	}
	return command
}

// fileTwin is --key-file beside --key: it reads the secret from a file, so
// that it does not show in the list of processes.
func fileTwin(f *kong.Flag) *kong.Flag {
	pair := []string{f.Name}
	twin := &kong.Flag{
		Value:       &kong.Value{Name: f.Name + "-file", Tag: &kong.Tag{}, Target: f.Target, Mapper: kong.MapperFunc(decodeFile)},
		PlaceHolder: "FILE", Hidden: true, Xor: pair,
	}
	twin.Flag = twin
	f.Xor = pair
	return twin
}

func decodeFile(ctx *kong.DecodeContext, target reflect.Value) error {
	var file string
	if err := ctx.Scan.PopValueInto("file", &file); err != nil {
		return err
	}
	text, err := readSecret(file)
	if err != nil {
		return err
	}
	return server.Set(target, text)
}

// mappers make kong read settings as the server does.
func mappers() []kong.Option {
	read := kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		return server.Set(target, text)
	})
	var options []kong.Option
	for _, t := range []reflect.Type{
		reflect.TypeFor[wxnotify.Secret](), reflect.TypeFor[time.Duration](), reflect.TypeFor[[]netip.Prefix](), reflect.TypeFor[slog.Level](),
	} {
		options = append(options, kong.TypeMapper(t, read))
	}
	return options
}

// explain says better what kong says badly: a flag without its value, and the
// nearest known flag where kong, which only looks two letters far, found none.
func explain(err error, ctx *kong.Context) error {
	text := err.Error()
	if flag, _, ok := strings.Cut(text, ": expected "); ok && strings.HasSuffix(text, "(<EOL>)") {
		return fmt.Errorf("%s needs a value", flag)
	}
	name, unknown := strings.CutPrefix(text, "unknown flag --")
	if !unknown || ctx == nil || strings.Contains(name, ", did you mean") {
		return err
	}
	var known []string
	for _, f := range ctx.Flags() {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	}
	return fmt.Errorf("%w%s", err, didYouMean(name, known, "--"))
}
