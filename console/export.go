package console

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wxnotify/wxnotify"
)

// exportSize is how many rows one look at the database brings: an export pages
// by key and holds no transaction open.
const exportSize = 250

// GET /console/messages.csv
//
// All that match the filter, newest first, without their content. It lasts as
// long as the reader takes it in.
func (d *Door) exportMessages(c *call) (any, error) {
	f := messageFilter(c.query, c.Now.Virtual)
	f.Limit, f.Cursor = exportSize, ""
	if f.Until.IsZero() {
		f.Until = c.Now.Virtual.Add(time.Millisecond) // what comes in meanwhile is not in it
	}
	ms, next, err := d.Reader.Messages(c.ctx(), f)
	if err != nil {
		return nil, err
	}
	if err := d.note(c, f.App, auditExport, "", ""); err != nil {
		return nil, err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="messages-`+c.Now.Virtual.UTC().Format("20060102-150405")+`.csv"`)
	control := http.NewResponseController(c.w)
	_, _ = c.w.Write([]byte("\ufeff")) // for spreadsheets that take a file for something else than UTF-8
	out := csv.NewWriter(c.w)
	_ = out.Write([]string{"id", "created_at", "app", "touser", "template_id", "channel", "state", "reason", "evidence", "permit_source", "attempts", "errcode", "errmsg", "updated_at", "meta"})
	for {
		_ = control.SetWriteDeadline(time.Now().Add(time.Minute))
		for i := range ms {
			_ = out.Write(exported(&ms[i]))
		}
		out.Flush()
		if next == "" || out.Error() != nil {
			return nil, nil //nolint:nilerr // the reader has gone
		}
		f.Cursor = next
		if ms, next, err = d.Reader.Messages(c.ctx(), f); err != nil {
			// The beginning is sent: only a broken end can tell that there is more.
			panic(http.ErrAbortHandler)
		}
	}
}

func exported(m *wxnotify.Message) []string {
	errcode, errmsg := "", ""
	if n := len(m.Attempts); n > 0 {
		if last := m.Attempts[n-1]; last.Errcode != nil {
			errcode, errmsg = strconv.Itoa(*last.Errcode), last.Errmsg
		}
	}
	meta := ""
	if len(m.Meta) > 0 {
		b, _ := json.Marshal(m.Meta)
		meta = string(b)
	}
	cells := []string{
		m.ID, stamp(m.CreatedAt), m.App, m.To, m.TemplateID, string(m.Channel), string(m.State), string(m.Reason), string(m.Evidence),
		string(m.Source), strconv.Itoa(len(m.Attempts)), errcode, errmsg, stamp(m.UpdatedAt), meta,
	}
	for i, cell := range cells {
		if _, err := strconv.Atoi(cell); err != nil && strings.IndexAny(cell, "=+-@\t\r") == 0 { // a spreadsheet would compute it
			cells[i] = "'" + cell
		}
	}
	return cells
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
