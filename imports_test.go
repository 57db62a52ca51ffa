package wxnotify_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wxnotify/wxnotify"

// mayImport says which rooms of ours a room may import; "" is the root package.
// A room that is not here may import nothing of ours. Tests are free: they put
// rooms together that know nothing of one another.
var mayImport = map[string][]string{
	// doors: engines, the store's reader and records, WeChat for calls that
	// move none of our nouns
	"api":     {"", "ledger", "outbox", "token", "hook", "store", "wechat", "dam"},
	"gateway": {"", "ledger", "outbox", "token", "hook", "store", "wechat"},
	"console": {"", "ledger", "outbox", "token", "hook", "store", "wechat", "wxcard", "dam"},
	// engines: the world through small interfaces of their own
	"ledger": {"", "pump"},
	"outbox": {"", "pump"},
	"token":  {"", "pump"},
	"hook":   {"", "pump"},
	// walls
	"wechat":          {""},
	"store":           {""},
	"store/storetest": {"", "store"},
	// apart: shares WeChat's errcodes and crypto and the drawing of cards, and
	// not one thing more
	"sandbox": {"wechat", "wxcard"},
	// apart: breaks the program from outside, and sees it from outside
	"chaos":     {"client"},
	"chaos/cmd": {"chaos"},
	// measures the program from outside
	"bench": {"", "client", "sandbox"},
	// tools
	"wxcard":  {},
	"dam":     {},
	"pump":    {},
	"client":  {},
	"metrics": {""},
	// what users of the client would write
	"docs/examples": {"client"},
	// the assembly
	"server":       {"", "api", "gateway", "console", "ledger", "outbox", "token", "hook", "wechat", "store", "pump", "metrics"},
	"doctor":       {"", "server", "store", "wechat"},
	"cmd/wxnotify": {"", "server", "sandbox", "client", "store", "doctor", "bench"},
}

// Every module that go.mod requires of its own accord has its reason, and no
// reason is left over.
func TestEveryDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	contributing, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(contributing), "## Why each dependency")
	if !ok {
		t.Fatal("CONTRIBUTING.md has no table of dependencies")
	}
	want := map[string]bool{}
	for line := range strings.Lines(string(mod)) {
		if f := strings.Fields(line); len(f) == 2 && strings.HasPrefix(line, "\t") {
			want[f[0]] = true
			if !strings.Contains(table, "\n| "+f[0]+" | ") {
				t.Errorf("%s has no reason in CONTRIBUTING.md", f[0])
			}
		}
	}
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == "|" && strings.Contains(f[1], ".") && !want[f[1]] {
			t.Errorf("CONTRIBUTING.md gives a reason for %s, which go.mod does not require", f[1])
		}
	}
	if len(want) < 20 {
		t.Errorf("only %d modules were found: the test no longer sees them", len(want))
	}
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	rooms := map[string]bool{}
	for _, f := range sources(t) {
		room := path.Dir(f.name)
		if room == "." {
			room = ""
		}
		rooms[room] = true
		for _, imported := range f.imports() {
			other, ours := strings.CutPrefix(imported, module)
			other = strings.TrimPrefix(other, "/")
			if ours && !slices.Contains(mayImport[room], other) {
				t.Errorf("%s imports %s, which the table does not allow", f.name, imported)
			}
		}
	}
	if !rooms[""] {
		t.Error("no source of the root package was found")
	}
}

// The rules have no clock of their own, no network, no files and no database.
func TestTheRootPackageIsPure(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if path.Dir(f.name) != "." {
			continue
		}
		for _, imported := range f.imports() {
			first, _, _ := strings.Cut(imported, "/")
			switch {
			case strings.Contains(first, "."):
				t.Errorf("%s imports %s, which is not in the standard library", f.name, imported)
			case first == "net", first == "os", imported == "database/sql":
				t.Errorf("%s imports %s", f.name, imported)
			}
		}
	}
}

// If client and simulator shared more than the errcode table and the crypto,
// one misreading of WeChat's documents would pass every test.
func TestTheSandboxReadsWeChatsDocumentsForItself(t *testing.T) {
	t.Parallel()
	shared := map[string]bool{}
	var used []string
	for _, f := range sources(t) {
		switch dir, base := path.Split(f.name); {
		case dir == "wechat/" && (strings.HasPrefix(base, "code") || strings.HasPrefix(base, "crypto")):
			for name := range f.declares() {
				shared[name] = true
			}
		case dir == "sandbox/":
			used = append(used, f.uses(module+"/wechat")...)
		}
	}
	for _, name := range used {
		if !shared[name] {
			t.Errorf("the sandbox uses wechat.%s, which is neither of the errcode table nor of the crypto", name)
		}
	}
	if len(shared) == 0 {
		t.Error("wechat's errcode table and crypto were not found")
	}
}

// A source is a parsed Go file that is not a test.
type source struct {
	name string // from the root, with slashes
	*ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (base[0] == '.' || base[0] == '_' || base == "testdata" || base == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{name, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (f source) imports() []string {
	var paths []string
	for _, spec := range f.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// declares returns the names that the file declares at its top.
func (f source) declares() map[string]bool {
	names := map[string]bool{}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[d.Name.Name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					names[spec.Name.Name] = true
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						names[n.Name] = true
					}
				}
			}
		}
	}
	return names
}

// uses returns the names of an imported package that the file mentions.
func (f source) uses(imported string) []string {
	if !slices.Contains(f.imports(), imported) {
		return nil
	}
	names := map[string]bool{}
	ast.Inspect(f.File, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == path.Base(imported) {
				names[s.Sel.Name] = true
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(names))
}
