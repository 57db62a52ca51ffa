package wxnotify

import "testing"

func TestAShortageLastsUntilTheStockIsATenthAboveTheThreshold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		free, threshold int64
		before, want    bool
	}{
		"enough":                         {100, 100, false, false},
		"one too few":                    {99, 100, false, true},
		"still too few":                  {0, 100, true, true},
		"back at the threshold":          {100, 100, true, true},
		"almost a tenth above":           {109, 100, true, true},
		"a tenth above":                  {110, 100, true, false},
		"a tenth of little is one":       {3, 3, true, true},
		"one above little":               {4, 3, true, false},
		"the last one is gone":           {0, 1, false, true},
		"none is below nothing":          {0, 0, false, false},
		"swinging, after it was told of": {101, 100, true, true},
	} {
		if got := (Shortage{Free: c.free, Threshold: c.threshold}).Lasts(c.before); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
