package wechat

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/wxnotify/wxnotify"
)

func TestCodesAreOrderedAndSpeakBothLanguages(t *testing.T) {
	t.Parallel()
	last := -2
	for _, c := range Codes() {
		if c.Errcode <= last {
			t.Errorf("%d comes after %d", c.Errcode, last)
		}
		last = c.Errcode
		if !strings.HasSuffix(c.En, ".") || strings.ContainsFunc(c.En, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%d: English reads %q", c.Errcode, c.En)
		}
		if !strings.HasSuffix(c.Zh, "。") {
			t.Errorf("%d: Chinese reads %q", c.Errcode, c.Zh)
		}
		if c.Calls == "" || c.Verdict.Do == "" {
			t.Errorf("%d: no calls or no verdict", c.Errcode)
		}
		if got, ok := Lookup(c.Errcode); !ok || got != c {
			t.Errorf("Lookup(%d) = %+v, %v", c.Errcode, got, ok)
		}
	}
}

// A verdict that lacks what Next reads of it would be obeyed silently.
func TestVerdictsAreWhole(t *testing.T) {
	t.Parallel()
	for _, c := range Codes() {
		v := c.Verdict
		switch v.Do {
		case wxnotify.NextPermit, wxnotify.CloseBooks:
			if v.Cause == "" || v.Part != "" {
				t.Errorf("%d: %+v", c.Errcode, v)
			}
		case wxnotify.Halt:
			if v.Part == "" || v.Cause != "" {
				t.Errorf("%d: %+v", c.Errcode, v)
			}
		case wxnotify.Fail:
			if v.Reason == "" || v.Cause != "" {
				t.Errorf("%d: %+v", c.Errcode, v)
			}
		case wxnotify.NewToken, wxnotify.SlowDown:
			if v.Reason != "" || v.Cause != "" || v.For != 0 && v.Part == "" {
				t.Errorf("%d: %+v", c.Errcode, v)
			}
		default:
			if v.Reason != "" || v.Cause != "" || v.Part != "" {
				t.Errorf("%d: %+v", c.Errcode, v)
			}
		}
	}
}

// What reliability.md 2 and 4 demand, in words of its own.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	type verdict = wxnotify.Verdict
	for errcode, want := range map[int]verdict{
		40001:  {Do: wxnotify.NewToken},
		40014:  {Do: wxnotify.NewToken},
		41001:  {Do: wxnotify.NewToken, Part: wxnotify.PartAll}, // once, then halt
		42001:  {Do: wxnotify.NewToken},
		40003:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonOpenID},
		40037:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonTemplate, Part: wxnotify.PartTemplateID},
		43116:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonTemplate, Part: wxnotify.PartTemplateID},
		41028:  {Do: wxnotify.NextPermit, Cause: wxnotify.CauseInvalid},
		41029:  {Do: wxnotify.NextPermit, Cause: wxnotify.CauseSpent},
		41031:  {Do: wxnotify.NextPermit, Cause: wxnotify.CauseBlocked},
		41030:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonPage},
		41032:  {Do: wxnotify.Halt, Part: wxnotify.PartSource},
		41034:  {Do: wxnotify.Halt, Part: wxnotify.PartSource},
		41035:  {Do: wxnotify.Halt, Part: wxnotify.PartSource},
		43019:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonRefusedByUser},
		43101:  {Do: wxnotify.CloseBooks, Cause: wxnotify.CauseRefused},
		43108:  {Do: wxnotify.Repeat},
		45009:  {Do: wxnotify.Halt, Part: wxnotify.PartChannel, For: wxnotify.UntilMidnight},
		45011:  {Do: wxnotify.SlowDown},
		45102:  {Do: wxnotify.SlowDown, Part: wxnotify.PartChannel, For: 10 * time.Minute}, // a long wait, and an alert
		45103:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonChannelRetired, Part: wxnotify.PartChannel},
		45109:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonChannelRetired, Part: wxnotify.PartChannel},
		46101:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonChannelRetired, Part: wxnotify.PartChannel},
		45168:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonData},
		47003:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonData},
		40164:  {Do: wxnotify.Halt, Part: wxnotify.PartAll},
		40125:  {Do: wxnotify.Halt, Part: wxnotify.PartAll},
		40243:  {Do: wxnotify.Halt, Part: wxnotify.PartAll},
		48001:  {Do: wxnotify.Fail, Reason: wxnotify.ReasonAccountBlocked, Part: wxnotify.PartChannel},
		50002:  {Do: wxnotify.Halt, Reason: wxnotify.ReasonAccountBlocked, Part: wxnotify.PartAll},
		987654: {Do: wxnotify.Fail, Reason: wxnotify.ReasonInternal},
	} {
		if got := VerdictOf(errcode); got != want {
			t.Errorf("%d: got %+v, want %+v", errcode, got, want)
		}
	}
}

func TestTokenVerdictsPauseTheWholeAppOrWait(t *testing.T) {
	t.Parallel()
	for errcode, want := range map[int]wxnotify.Verdict{
		-1:     {Do: wxnotify.Repeat},
		45011:  {Do: wxnotify.SlowDown},
		45102:  {Do: wxnotify.SlowDown, Part: wxnotify.PartAll, For: 10 * time.Minute},
		41001:  {Do: wxnotify.Halt, Part: wxnotify.PartAll},
		45009:  {Do: wxnotify.Halt, Part: wxnotify.PartAll, For: wxnotify.UntilMidnight},
		40001:  {Do: wxnotify.Halt, Part: wxnotify.PartAll},
		40164:  {Do: wxnotify.Halt, Part: wxnotify.PartAll},
		50004:  {Do: wxnotify.Halt, Part: wxnotify.PartAll, Reason: wxnotify.ReasonAccountBlocked},
		987654: {Do: wxnotify.Halt, Part: wxnotify.PartAll, Reason: wxnotify.ReasonInternal},
	} {
		if got := TokenVerdict(errcode); got != want {
			t.Errorf("%d: got %+v, want %+v", errcode, got, want)
		}
	}
	for _, c := range Codes() {
		if v := TokenVerdict(c.Errcode); v.Do == wxnotify.Halt && v.Part != wxnotify.PartAll {
			t.Errorf("%d: %+v", c.Errcode, v)
		}
	}
}

// The codes of wechat-api.md 10, and those of its sections 2 to 5 and 7.
func TestNoCodeIsForgotten(t *testing.T) {
	t.Parallel()
	for _, n := range []int{
		-1, 40001, 40002, 40003, 40013, 40014, 40029, 40037, 40038, 40066, 40125, 40138, 40163, 40164, 40226, 40243,
		41001, 41002, 41004, 41008, 41028, 41029, 41030, 41031, 41032, 41034, 41035, 42001, 43001, 43002, 43003, 43019,
		43101, 43104, 43106, 43107, 43108, 43116, 44002, 45009, 45011, 45012, 45013, 45014, 45026, 45075, 45076, 45100,
		45102, 45103, 45109, 45168, 45501, 46101, 47001, 47003, 48001, 48004, 48006, 50001, 50002, 50004, 50007, 61004,
		61024, 76001, 76002, 76003, 76004, 76021, 76022, 85438, 89501, 89503, 89506, 89507,
		200011, 200012, 200013, 200014, 200016, 200017, 200018, 200019, 200020, 200021,
	} {
		if _, ok := Lookup(n); !ok {
			t.Errorf("%d is not in the table", n)
		}
	}
}
