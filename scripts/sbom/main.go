// Command sbom writes the parts of a Go program as a CycloneDX 1.6 document: the
// modules that the linker put into it, with their checksums. Of a program that
// was built for several platforms it lists what is in any of them.
//
//	go run ./scripts/sbom v1.2.3 dist/wxnotify-* >wxnotify.cdx.json
//
// It names no time and no random number: the same program has the same list.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return errors.New("want the version, and the program for each platform")
	}
	var all []*debug.BuildInfo
	for _, file := range args[1:] {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(all, info)
	}
	program := part("application", all[0].Main.Path, args[0], "")
	parts := union(all)
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
		"metadata":   map[string]any{"component": program},
		"components": parts,
	})
}

// union lists the parts of all of them, each once, by name.
func union(all []*debug.BuildInfo) (parts []component) {
	for _, info := range all {
		parts = append(parts, part("library", "std", info.GoVersion, ""))
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			parts = append(parts, part("library", m.Path, m.Version, m.Sum))
		}
	}
	byRef := func(a, b component) int { return strings.Compare(a.Ref, b.Ref) }
	slices.SortFunc(parts, byRef)
	return slices.CompactFunc(parts, func(a, b component) bool { return byRef(a, b) == 0 })
}

func part(kind, path, version, sum string) component {
	purl := "pkg:golang/" + path + "@" + version
	c := component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl}
	if sum != "" {
		c.Properties = []property{{"go:sum", sum}}
	}
	return c
}
