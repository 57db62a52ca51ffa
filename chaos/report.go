package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Report is what a run found.
type Report struct {
	Record     Record
	Findings   []Finding
	Injuries   map[string]int // what the driver did, how often
	Figures    []string       // that were measured beside
	Missed     []string       // kill points that were not passed
	Asked      int            // messages that the run was to send; 0: as many as go
	Sent       int            // that it sent
	Errors     int64          // that the load heard
	FirstError string         // of them; "": none
	Fetches    int            // of access tokens
	Loaded     time.Duration
	Drained    time.Duration // from the end of all faults until everything was at rest
}

// Print says what was done and what was found, a line for each.
func (r *Report) Print(out io.Writer) {
	states, faults := map[string]int{}, map[string]int{}
	for _, m := range r.Record.Messages {
		states[strings.Join(words(m.State, m.Reason), "/")]++
	}
	for _, c := range r.Record.Calls {
		switch {
		case c.Fault != "":
			faults[c.Fault]++
		case !c.Answered:
			faults["caller gone"]++
		}
	}
	seconds := r.Loaded.Seconds() + r.Drained.Seconds()
	fmt.Fprintf(out, "messages    %d: %s\n", len(r.Record.Messages), tally(states))
	fmt.Fprintf(out, "calls       %d, cards %d, token fetches %d, %.0f cards/s over %.0f s and %.0f s to rest\n",
		len(r.Record.Calls), len(r.Record.Cards), r.Fetches, float64(len(r.Record.Cards))/seconds, r.Loaded.Seconds(), r.Drained.Seconds())
	fmt.Fprintf(out, "spoiled     %s\n", tally(faults))
	fmt.Fprintf(out, "broken      %s; the load heard %d errors\n", tally(r.Injuries), r.Errors)
	if r.Record.Told != nil {
		answered := 0
		for _, e := range r.Record.Events {
			if e.Answered {
				answered++
			}
		}
		fmt.Fprintf(out, "told        %d events by WeChat, %d of them answered; the webhook heard %d times\n", len(r.Record.Events), answered, len(r.Record.Told))
	}
	for _, figure := range r.Figures {
		fmt.Fprintf(out, "measured    %s\n", figure)
	}
	if len(r.Missed) > 0 {
		fmt.Fprintf(out, "not passed  %s\n", strings.Join(r.Missed, ", "))
	}
	found := map[Rule]int{}
	for _, f := range r.Findings {
		found[f.Rule]++
	}
	var verdict []string
	for _, rule := range Rules {
		verdict = append(verdict, fmt.Sprintf("%s %d", rule.Name, found[rule.Name]))
	}
	fmt.Fprintf(out, "verdict     %s\n", strings.Join(verdict, ", "))
}

// Short says in which respect the run was not the one that was asked for: its
// verdict is then about less. It says nothing of what the checker found.
func (r *Report) Short() error {
	switch {
	case len(r.Missed) > 0:
		return fmt.Errorf("nobody died at %s: the run says nothing of it", strings.Join(r.Missed, ", "))
	case r.Record.Told != nil && (len(r.Record.Told) == 0 || len(r.Record.Events) == 0):
		return errors.New("WeChat pushed no event, or no webhook was told")
	case r.Sent < r.Asked:
		return fmt.Errorf("only %d of %d messages were sent in time", r.Sent, r.Asked)
	}
	return nil
}

func tally(counts map[string]int) string {
	var all []string
	for _, name := range sortedKeys(counts) {
		all = append(all, fmt.Sprintf("%s %d", name, counts[name]))
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// Tell shows the first findings of each rule, keeps the record beside the logs
// and tells the story of one message.
func (r *Report) Tell(out io.Writer, dir string) {
	shown := map[Rule]int{}
	for _, f := range r.Findings {
		if shown[f.Rule]++; shown[f.Rule] <= 5 {
			fmt.Fprintf(out, "%s: %s\n", f.Rule, strings.Join(words(f.Mark, f.Code, f.Text), ": "))
		}
	}
	if i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Mark != "" }); i >= 0 {
		fmt.Fprintf(out, "the story of %s:\n%s", r.Findings[i].Mark, Story(r.Record, r.Findings[i].Mark))
	}
	if raw, err := json.Marshal(r.Record); err == nil {
		err = os.WriteFile(filepath.Join(dir, "record.json"), raw, 0o600)
		if err == nil {
			fmt.Fprintf(out, "everything that the checker saw: %s\n", filepath.Join(dir, "record.json"))
		}
	}
}
