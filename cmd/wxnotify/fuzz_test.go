package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file to import gives lines that are JSON, or refusals of one line each; a
// file of settings gives texts, or an error.
func FuzzFiles(f *testing.F) {
	for _, s := range []string{
		"openid,form_id\no_user_0001,abc\n", "touser,data.keyword1,wait,age\no,x,true,3d\n\"a\nb\",\"\"\"\",no,-1\n", "\ufefftouser;form_id\n", "openid,form_id\n\"x\n",
		`{"touser":"o","data":{"keyword1":"a"}}` + "\n\n[1]\n{", "\xff\xfe,\n", "data.keyword1,data\na,{\n", "meta,meta.x\n{},1\n", "count,count\n1,2\n",
		"listen = \":8080\"\ntrusted_proxies = [\"10.0.0.0/8\", 1]\n", "listen = {a=1}", "[table]\nx=1", "retention = 7d", "listen = 1979-05-27", "database = '''\n", "lisen = 1",
	} {
		f.Add(s)
	}
	name := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, file string) {
		for _, format := range []string{"", "csv", "ndjson"} {
			for _, known := range []map[string]column{permitFields, messageFields} {
				next, err := readRows(strings.NewReader(file), format, nil, known)
				if err == nil {
					err = readAll(t, next, 2*len(file)+2)
				}
				if err != nil && err.Error() == "" {
					t.Error("an error without a word")
				}
			}
		}
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &settings{known: all()}
		if err := s.loadFile(name); err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("an error that does not name the file: %v", err)
		}
	})
}

// readAll reads at most so many lines, to the end.
func readAll(t *testing.T, next rows, most int) error {
	last := 0
	for range most {
		r, err := next()
		wrong, refused := errors.AsType[*refusedLine](err)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case refused:
			r.line = wrong.line
		case err != nil:
			return err
		}
		if r.line < last {
			t.Errorf("line %d after line %d", r.line, last)
		}
		last = r.line
		if b, err := json.Marshal(r.fields); err != nil || !json.Valid(b) {
			t.Errorf("line %d: %q is no JSON: %v", r.line, r.fields, err)
		}
	}
	t.Error("it does not end")
	return nil
}
