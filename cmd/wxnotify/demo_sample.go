package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/wxnotify/wxnotify/sandbox"
)

// samplePath is where the demo's sandbox serves the message that the printed
// curl line posts, as a configuration of curl: a message does not fit into a
// line of a terminal, and a file would work in one folder only.
const samplePath = "/msg"

// A sampleValue is one keyword's value, as WeChat has it.
type sampleValue struct {
	Value string `json:"value"`
	Color string `json:"color,omitempty"`
}

// sampleMessage is a body as people post it to WeChat; the form_id is left
// out, so that a permit is chosen.
func sampleMessage() any {
	return struct {
		To       string                 `json:"touser"`
		Template string                 `json:"template_id"`
		Page     string                 `json:"page"`
		Data     map[string]sampleValue `json:"data"`
		Emphasis string                 `json:"emphasis_keyword"`
	}{
		sandbox.FirstUser, sandbox.ClassicTemplate, "pages/order/detail?id=1019",
		map[string]sampleValue{
			"keyword1": {"已接单", "#173177"},
			"keyword2": {"12:31", ""},
			"keyword3": {"张一山", ""},
			"keyword4": {"136xxxx1720", ""},
			"keyword5": {"请手机保持通畅", ""},
		},
		"keyword1.DATA",
	}
}

// withSample serves the sample beside the sandbox. It holds no key: that
// stands in the line itself.
func withSample(world http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != samplePath {
			world.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, curlConfig())
	})
}

// curlConfig writes the sample for curl -K. The body has no blank, so curl
// takes it unquoted and it can be read as it is.
func curlConfig() string {
	body, err := json.Marshal(sampleMessage())
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`# The message that curl -K posts to the API.
silent
header = "Content-Type: application/json"
data = %s
write-out = "\n"
`, body)
}

// curlLine is the line to paste: it works in any folder, and fits into 99
// columns while the ports have at most five digits.
func curlLine(sandboxAddr, apiAddr, key string) string {
	return "curl -s " + sandboxAddr + samplePath + " | curl -K- " + apiAddr + "/v1/messages --oauth2-bearer " + key
}
