package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// A journal is what the load or the driver wrote down, in memory and in a file.
type journal struct {
	mu   sync.Mutex
	all  []Entry
	file *os.File
	out  *bufio.Writer
	ids  map[string]string // by mark
}

func newJournal(path string) (*journal, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &journal{file: f, out: bufio.NewWriter(f), ids: map[string]string{}}, nil
}

// write adds entries. They are in the file when it returns: a request that
// follows cannot be one of which the journal knows nothing.
func (j *journal) write(entries ...Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	enc := json.NewEncoder(j.out)
	for i := range entries {
		entries[i].At = now
		if entries[i].Op == OpAccepted {
			j.ids[entries[i].Mark] = entries[i].ID
		}
		_ = enc.Encode(entries[i]) // a full disk shows in flush
	}
	j.all = append(j.all, entries...)
	if err := j.out.Flush(); err != nil {
		panic("chaos: the journal cannot be written: " + err.Error())
	}
}

func (j *journal) entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clip(j.all)
}

// with are the entries of this journal and of those in files, in the order of
// their times.
func (j *journal) with(files []string) (all []Entry, err error) {
	all = slices.Clone(j.entries())
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		for dec := json.NewDecoder(bufio.NewReader(f)); ; {
			var e Entry
			if err := dec.Decode(&e); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int { return a.At.Compare(b.At) })
	return all, nil
}

// accepted is the id under which a message was acknowledged; "": it was not.
func (j *journal) accepted(mark string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ids[mark]
}

func (j *journal) close() { _ = j.file.Close() }
