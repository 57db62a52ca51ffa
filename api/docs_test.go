package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The viewer is what its authors published, and the table says which.
func TestTheViewerIsTheOneInTheTable(t *testing.T) {
	t.Parallel()
	file, err := docsFiles.ReadFile("docs/redoc.standalone.js")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	if !strings.Contains(string(table), hex.EncodeToString(sum[:])) {
		t.Errorf("docs/README.md does not have the checksum %x", sum)
	}
}

func TestTheViewerNeedsNoOtherHost(t *testing.T) {
	t.Parallel()
	d := benchDoor()
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s answers %d", path, w.Code)
		}
		return w
	}
	page := get("/docs")
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		if !strings.HasPrefix(m[1], "/") {
			t.Errorf("the page asks for %s", m[1])
		}
		get(m[1])
	}
	policy := page.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "http") || strings.Contains(policy, "unsafe-eval") {
		t.Errorf("the policy is %s", policy)
	}
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(get("/openapi.json").Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Errorf("the document is %q: %v", doc.OpenAPI, err)
	}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			if op.Responses["500"] == nil || len(op.Responses) < 3 {
				t.Errorf("%s %s has no errors listed", method, path)
			}
		}
	}
}
