package metrics_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wxnotify/wxnotify/metrics"
)

var update = flag.Bool("update", false, "write the tables of docs/ anew")

// The manual's tables of metrics are drawn from the code:
// go test ./metrics -run Manual -update
func TestManualHasTheMetrics(t *testing.T) {
	t.Parallel()
	for file, zh := range map[string]bool{"../docs/metrics.md": false, "../docs/metrics.zh-CN.md": true} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		const begin, end = "<!-- table -->\n", "<!-- end -->\n"
		head, rest, ok := strings.Cut(string(raw), begin)
		_, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for the table", file)
		}
		want := head + begin + table(zh) + end + tail
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if string(raw) != want {
			t.Errorf("%s is not what the code says; run go test ./metrics -run Manual -update", file)
		}
	}
}

func table(zh bool) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	if zh {
		b.Reset()
		b.WriteString("| 指标 | 类型 | 标签 | 含义 |\n|---|---|---|---|\n")
	}
	for _, m := range metrics.Table {
		text := m.En
		if zh {
			text = m.Zh
		}
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "` `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, labels, text)
	}
	return b.String()
}
