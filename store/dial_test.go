package store

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
)

// A host that let one caller wait lets no other, until it answers again; one
// that refuses is never passed over.
func TestASilentHostIsPassedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := pgx.ParseConfig("postgres://u@10.0.0.1,10.0.0.2/d?sslmode=disable")
		if err != nil {
			t.Fatal(err)
		}
		refused := errors.New("refused")
		answer := map[string]error{} // nothing: it is silent
		c.DialFunc = func(ctx context.Context, _, addr string) (net.Conn, error) {
			if err, answers := answer[addr]; answers {
				return nil, err
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		d := newDialer(c)
		defer d.close()
		try := func(addr string) (time.Duration, error) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			begun := time.Now()
			_, err := c.DialFunc(ctx, "tcp", addr)
			return time.Since(begun), err
		}
		answer["second:1"] = refused
		for range 2 {
			if took, err := try("second:1"); took != 0 || !errors.Is(err, refused) {
				t.Errorf("the second refuses: %v after %v", err, took)
			}
		}
		if took, err := try("first:1"); took != 2*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first time: %v after %v", err, took)
		}
		for range 3 { // a look is under way meanwhile
			if took, err := try("first:1"); took != 0 || !errors.Is(err, errSilent) {
				t.Errorf("once it is known: %v after %v", err, took)
			}
			time.Sleep(2 * lookFor)
			synctest.Wait()
		}
		answer["first:1"] = refused
		if took, err := try("first:1"); took != 0 || !errors.Is(err, errSilent) {
			t.Errorf("before anybody looked: %v after %v", err, took)
		}
		synctest.Wait()
		if took, err := try("first:1"); took != 0 || !errors.Is(err, refused) {
			t.Errorf("when it answers again: %v after %v", err, took)
		}
	})
}
