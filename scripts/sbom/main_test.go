package main

import (
	"runtime/debug"
	"testing"
)

// What is in the program for one platform alone is in the list, and what is in
// all of them is there once.
func TestTheListHasThePartsOfEveryPlatform(t *testing.T) {
	t.Parallel()
	build := func(deps ...*debug.Module) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Deps: deps}
	}
	everywhere := &debug.Module{Path: "example.com/everywhere", Version: "v1.0.0", Sum: "h1:a="}
	windows := &debug.Module{Path: "example.com/windows", Version: "v1.1.0", Sum: "h1:b="}
	replaced := &debug.Module{Path: "example.com/old", Version: "v0.1.0", Replace: &debug.Module{Path: "example.com/new", Version: "v0.2.0", Sum: "h1:c="}}
	var got []string
	for _, p := range union([]*debug.BuildInfo{build(everywhere), build(everywhere, windows), build(everywhere, replaced)}) {
		got = append(got, p.Ref)
	}
	want := []string{
		"pkg:golang/example.com/everywhere@v1.0.0", "pkg:golang/example.com/new@v0.2.0", "pkg:golang/example.com/windows@v1.1.0", "pkg:golang/std@go1.26.8",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}
