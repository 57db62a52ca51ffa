package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var placeShape = regexp.MustCompile(`\$([0-9]+)`)

// PostgreSQL binds $2 by its number, SQLite's driver as the second place that
// occurs. They agree when places come in the order of their first use.
func TestPlacesComeInOrderOfFirstUse(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, text := range texts(t) {
		next := 1
		for _, m := range placeShape.FindAllStringSubmatch(text, -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			if n > next {
				t.Errorf("$%d comes before $%d in\n%s", n, next, text)
				break
			}
			if n == next {
				next++
				checked++
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d places were found: the test no longer sees the statements", checked)
	}
}

// texts are the statements in the sources of this package but for PostgreSQL's
// own, each joined from its parts in the order in which they stand.
func texts(t *testing.T) []string {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") || f.Name() == "hot_postgres.go" {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				all = append(all, joined(n))
				return false
			case *ast.BasicLit:
				all = append(all, joined(n))
			}
			return true
		})
	}
	return all
}

func joined(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return joined(e.X) + joined(e.Y)
	case *ast.CallExpr:
		var b strings.Builder
		for _, a := range e.Args {
			b.WriteString(joined(a) + " ")
		}
		return b.String()
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		if err == nil && e.Kind == token.STRING {
			return s
		}
	}
	return ""
}
