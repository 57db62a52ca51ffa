package pump

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func TestBatcherPutsThoseWhoWaitIntoOneFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := &Batcher[int, int]{Max: 100, Flush: func(_ context.Context, items []int) ([]int, error) {
			sizes = append(sizes, len(items))
			time.Sleep(time.Second)
			out := make([]int, len(items))
			for i, n := range items {
				out[i] = n * n
			}
			return out, nil
		}}
		var all sync.WaitGroup
		for i := range 41 {
			all.Go(func() {
				time.Sleep(time.Duration(i)) // the first is alone, the others come while it flushes
				got, err := b.Do(t.Context(), []int{i, i + 1})
				if err != nil || !slices.Equal(got, []int{i * i, (i + 1) * (i + 1)}) {
					t.Errorf("%d: %v, %v", i, got, err)
				}
			})
		}
		all.Wait()
		if !slices.Equal(sizes, []int{2, 80}) {
			t.Errorf("flushes of %v items", sizes)
		}
	})
}

func TestBatcherNeverSplitsACaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := &Batcher[int, int]{Max: 10, Flush: func(_ context.Context, items []int) ([]int, error) {
			sizes = append(sizes, len(items))
			time.Sleep(time.Second)
			return items, nil
		}}
		var all sync.WaitGroup
		for i, n := range []int{1, 6, 6, 30, 4} {
			all.Go(func() {
				time.Sleep(time.Duration(i))
				if got, err := b.Do(t.Context(), make([]int, n)); err != nil || len(got) != n {
					t.Errorf("%d results for %d items, %v", len(got), n, err)
				}
			})
		}
		all.Wait()
		if !slices.Equal(sizes, []int{1, 6, 6, 30, 4}) {
			t.Errorf("flushes of %v items", sizes)
		}
	})
}

func TestBatcherFlushesEachAloneWhenOneSpoiltIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("a bad row")
		b := &Batcher[int, int]{Max: 100, Alone: func(err error) bool { return errors.Is(err, bad) }, Flush: func(_ context.Context, items []int) ([]int, error) {
			time.Sleep(time.Second)
			if slices.Contains(items, 13) {
				return nil, bad
			}
			return items, nil
		}}
		var failed atomic.Int32
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if _, err := b.Do(t.Context(), []int{i}); err != nil {
					failed.Add(1)
				}
			})
		}
		all.Wait()
		if n := failed.Load(); n != 1 {
			t.Errorf("%d callers failed, want the one with the bad row", n)
		}
	})
}

func TestBatcherLetsNobodyWaitForAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Batcher[int, int]{Max: 100, Flush: func(_ context.Context, items []int) ([]int, error) {
			time.Sleep(time.Second)
			if slices.Contains(items, 13) {
				panic("a bug")
			}
			return items, nil
		}}
		var panicked, failed atomic.Int32
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						panicked.Add(1)
					}
				}()
				time.Sleep(time.Duration(i)) // the first is alone, the others come while it flushes
				if _, err := b.Do(t.Context(), []int{i}); err != nil {
					failed.Add(1)
				}
			})
		}
		all.Wait()
		if p, f := panicked.Load(), failed.Load(); p != 1 || f != 18 {
			t.Errorf("%d panicked and %d failed, want the one that led and the 18 with it", p, f)
		}
		if got, err := b.Do(t.Context(), []int{1}); err != nil || !slices.Equal(got, []int{1}) {
			t.Errorf("afterwards: %v, %v", got, err)
		}
	})
}

func TestBatcherLetsGoOfWhoHasNotBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var flushed []int
		b := &Batcher[int, int]{Max: 100, Flush: func(_ context.Context, items []int) ([]int, error) {
			flushed = append(flushed, items...)
			time.Sleep(time.Second)
			return items, nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _, _ = b.Do(t.Context(), []int{1}) })
		synctest.Wait()
		all.Go(func() {
			if _, err := b.Do(ctx, []int{2}); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left: %v", err)
			}
		})
		all.Go(func() { _, _ = b.Do(t.Context(), []int{3}) })
		synctest.Wait()
		cancel()
		all.Wait()
		if !slices.Equal(flushed, []int{1, 3}) {
			t.Errorf("flushed %v", flushed)
		}
	})
}

// drive makes a loop whose claims hand out the numbers up to n, k at a time.
func drive(n, k int, settle func([]int) error) *Loop[int, int] {
	next := 0
	l := &Loop[int, int]{
		Log:   quiet,
		Batch: 500,
		Claim: func(context.Context) (jobs []int, again time.Duration, err error) {
			for range k {
				if next < n {
					jobs = append(jobs, next)
					next++
				}
			}
			return jobs, time.Minute, nil
		},
		Do:     func(_ context.Context, j int) int { time.Sleep(10 * time.Millisecond); return j },
		Settle: func(_ context.Context, rs []int) error { return settle(rs) },
	}
	l.Init()
	return l
}

func TestLoopSettlesInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		done, settles := map[int]int{}, 0
		l := drive(100, 20, func(rs []int) error {
			settles++
			time.Sleep(5 * time.Millisecond) // what finishes meanwhile goes together
			for _, r := range rs {
				done[r]++
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l.Run(ctx)
		if len(done) != 100 || settles > 20 {
			t.Errorf("%d of 100 jobs settled, in %d batches", len(done), settles)
		}
	})
}

func TestLoopKeepsResultsUntilTheStoreIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("the store is away")
		seen, got := 0, map[int]int{}
		l := drive(10, 10, func(rs []int) error {
			if seen++; seen < 5 {
				return down
			}
			for _, r := range rs {
				got[r]++
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		l.Run(ctx)
		if len(got) != 10 {
			t.Errorf("%d of 10 results were written", len(got))
		}
	})
}

func TestLoopFinishesWhatIsUnderWayAndNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := 0
		l := drive(1000, 5, func(rs []int) error { got += len(rs); return nil })
		l.Do = func(_ context.Context, j int) int { time.Sleep(10 * time.Second); return j }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		l.Run(ctx)
		if took := time.Since(start); got != 5 || took != 10*time.Second {
			t.Errorf("%d jobs were finished, after %v", got, took)
		}
	})
}

// A server stops while a claim is being committed: what was claimed is done.
func TestLoopEndsAClaimThatHasBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := 0
		l := drive(5, 5, func(rs []int) error { got += len(rs); return nil })
		claim := l.Claim
		l.Claim = func(ctx context.Context) ([]int, time.Duration, error) {
			jobs, again, err := claim(ctx)
			time.Sleep(3 * time.Second) // the commit
			if ctx.Err() != nil {
				return nil, 0, ctx.Err() // and nobody knows what became of it
			}
			return jobs, again, err
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l.Run(ctx)
		if got != 5 {
			t.Errorf("%d of 5 claimed jobs were done", got)
		}
	})
}

func TestLoopGivesUpAfterGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := drive(1, 1, func([]int) error { return errors.New("away for ever") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		l.Run(ctx)
		if took := time.Since(start); took > Grace+2*time.Second {
			t.Errorf("it took %v to stop", took)
		}
	})
}

// One result of many waits for company; one alone does not wait, and none waits long.
func TestResultsGatherWhileMuchIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var sizes []int
		var when []time.Duration
		l := drive(40, 40, func(rs []int) error {
			sizes, when = append(sizes, len(rs)), append(when, time.Since(began))
			return nil
		})
		l.Do = func(_ context.Context, j int) int { time.Sleep(time.Duration(j+1) * time.Millisecond); return j }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l.Run(ctx)
		if sizes[0] < 5 || sizes[0] > 6 || len(sizes) > 20 {
			t.Errorf("40 results, one in each millisecond, in batches of %v", sizes)
		}
		if last := when[len(when)-1]; last != 40*time.Millisecond {
			t.Errorf("the last one, which is alone, is settled after %v", last)
		}
	})
}
