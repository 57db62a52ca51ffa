package chaos

import (
	"path/filepath"
	"testing"
	"time"
)

// The driver and each load keep a journal of their own; the checker reads them
// as one, in the order in which things were done.
func TestJournalsAreReadAsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(name string) *journal {
		j, err := newJournal(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(j.close)
		return j
	}
	driver, load, next := open("driver"), open("load"), open("next")
	for i, j := range []*journal{load, driver, load, next, driver} {
		j.write(Entry{Op: OpSend, Mark: string(rune('a' + i)), Uses: i, Deadline: time.Now().Add(time.Hour)})
		time.Sleep(time.Millisecond)
	}
	all, err := driver.with([]string{filepath.Join(dir, "load"), filepath.Join(dir, "next")})
	if err != nil {
		t.Fatal(err)
	}
	read := ""
	for i, e := range all {
		if read += e.Mark; e.Uses != i || e.Op != OpSend || time.Until(e.Deadline) < 59*time.Minute {
			t.Errorf("entry %d came back as %+v", i, e)
		}
	}
	if read != "abcde" {
		t.Errorf("read as %q", read)
	}
	if _, err := driver.with([]string{filepath.Join(dir, "nothing")}); err == nil {
		t.Error("a journal that is not there is fine")
	}
}
