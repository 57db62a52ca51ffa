package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/wxnotify/wxnotify"
)

// A BatchResult says what became of one message of a batch: id and state, or error.
type BatchResult struct {
	Index int      `json:"index" doc:"Its place in the request, from 0."`
	ID    string   `json:"id,omitempty"`
	State string   `json:"state,omitempty"`
	Error *Problem `json:"error,omitempty" doc:"Why it was not accepted; the others stand."`
}

// BatchResults answer POST /v1/messages/batch, in the order of the request.
type BatchResults struct {
	Results []BatchResult `json:"results"`
}

// POST /v1/messages/batch
func (d *Door) postBatch(c *call) (answer, error) {
	if len(c.r.Header.Values("Idempotency-Key")) > 0 {
		return answer{}, wxnotify.Refuse(wxnotify.IdempotencyInvalid, "in a batch the key belongs into the items, as idempotency_key")
	}
	raw, err := c.body(maxBatchBody)
	if err != nil {
		return answer{}, err
	}
	head, items, err := split(raw, "messages", maxBatch)
	if err != nil {
		return answer{}, err
	}
	if err := decode(head, &Batch{}); err != nil {
		return answer{}, err
	}
	out := make([]BatchResult, len(items))
	entries := make([]wxnotify.Entry, 0, len(items))
	places := make([]int, 0, len(items)) // of the entries among the items
	for i, item := range items {
		out[i].Index = i
		e, known, err := d.item(c, item)
		switch {
		case err != nil && !ofItem(err):
			return answer{}, err
		case err != nil:
			out[i].Error = d.itemProblem(c, err, "messages", i)
		case known != "":
			m, err := d.Reader.Message(c.Context(), e.Message.App, known)
			if err != nil {
				return answer{}, err
			}
			out[i].ID, out[i].State = m.ID, string(m.State)
		default:
			entries, places = append(entries, e), append(places, i)
		}
	}
	if err := d.acceptAll(c, out, entries, places); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, raw: appendResults(nil, out)}, nil
}

// item makes an entry of one raw item.
func (d *Door) item(c *call, raw []byte) (e wxnotify.Entry, known string, err error) {
	var in BatchItem
	if err := decode(raw, &in); err != nil {
		return e, "", err
	}
	if in.Key != "" && !visible(in.Key, 255) {
		return e, "", wxnotify.RefuseField(wxnotify.IdempotencyInvalid, "idempotency_key", "an idempotency_key has 1 to 255 visible characters")
	}
	return d.entry(c, in.draft(), in.Key)
}

// ofItem says whether err is about one item. What is wrong on our side is no
// item's fault: the request as a whole is to be made again.
func ofItem(err error) bool {
	info, known := wxnotify.Codes[wxnotify.CodeOf(err)]
	return known && info.Status < http.StatusInternalServerError
}

// acceptAll hands the good items to the outbox in one call: they become
// durable together.
func (d *Door) acceptAll(c *call, out []BatchResult, entries []wxnotify.Entry, places []int) error {
	if len(entries) == 0 {
		return nil
	}
	rs, err := d.Box.Accept(c.Context(), entries)
	if err != nil {
		return err
	}
	for k, r := range rs {
		i := places[k]
		if r.Err != nil {
			out[i].Error = d.itemProblem(c, r.Err, "messages", i)
			continue
		}
		out[i].ID, out[i].State = r.ID, string(r.State)
	}
	return nil
}

// itemProblem is the answer to one item of a list. Its paths begin at the body.
func (d *Door) itemProblem(c *call, err error, list string, i int) *Problem {
	at := list + "[" + strconv.Itoa(i) + "]"
	if r, ok := errors.AsType[*wxnotify.Refusal](err); ok {
		inside := *r
		inside.Fields = make([]wxnotify.FieldError, max(len(r.Fields), 1))
		inside.Fields[0] = wxnotify.FieldError{Code: r.Code, Detail: r.Detail}
		copy(inside.Fields, r.Fields)
		for k, f := range inside.Fields {
			inside.Fields[k].Field = at
			if f.Field != "" {
				inside.Fields[k].Field += "." + f.Field
			}
		}
		err = &inside
	}
	p, _ := d.problem(c, err)
	return &p
}

// appendResults writes the answer to a batch by hand: a thousand times the
// same three members.
func appendResults(b []byte, rs []BatchResult) []byte {
	b = append(b, `{"results":[`...)
	for i, r := range rs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"index":`...), int64(r.Index), 10)
		if r.Error == nil {
			b = append(append(append(b, `,"id":"`...), r.ID...), `","state":"`...)
			b = append(append(b, r.State...), `"}`...)
			continue
		}
		b = append(append(append(b, `,"error":`...), mustMarshal(r.Error)...), '}')
	}
	return append(b, `]}`...)
}
