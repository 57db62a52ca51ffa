package gateway

import (
	"os"
	"strings"
	"testing"
)

// The manual names every room that is passed through.
func TestTheManualNamesTheRooms(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"../docs/sdk.md", "../docs/sdk.zh-CN.md"} {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for room := range rooms {
			if room != "sns" && !strings.Contains(string(raw), "`/"+room+"/`") {
				t.Errorf("%s does not name /%s/", page, room)
			}
		}
	}
}
