package store

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

func (s *Store) Accept(ctx context.Context, now wxnotify.Now, entries []wxnotify.Entry) ([]wxnotify.Receipt, error) {
	panic("to come")
}
func (s *Store) Claim(ctx context.Context, now wxnotify.Now, lease time.Duration, wants []wxnotify.Want) (wxnotify.Claim, error) {
	panic("to come")
}
func (s *Store) Settle(ctx context.Context, now wxnotify.Now, batch []wxnotify.Settlement) (missed []int, err error) {
	panic("to come")
}
func (s *Store) Evidence(ctx context.Context, now wxnotify.Now, app, attempt string, o wxnotify.Outcome) (wxnotify.Rest, error) {
	panic("to come")
}
func (s *Store) Lapsed(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Try, error) {
	panic("to come")
}
func (s *Store) Sweep(ctx context.Context, now wxnotify.Now, n int) ([]wxnotify.Rest, error) {
	panic("to come")
}
func (s *Store) Wake(ctx context.Context, now wxnotify.Now, app string, ds []wxnotify.Deposit) (int, error) {
	panic("to come")
}
func (s *Store) Cancel(ctx context.Context, now wxnotify.Now, app, id string) (wxnotify.Rest, error) {
	panic("to come")
}
func (s *Store) Resolve(ctx context.Context, now wxnotify.Now, app, id string, sent bool) (wxnotify.Rest, error) {
	panic("to come")
}
func (s *Store) Deposit(ctx context.Context, now wxnotify.Now, ds []wxnotify.Deposit) ([]wxnotify.Deposited, error) {
	panic("to come")
}
func (s *Store) DeletePermit(ctx context.Context, now wxnotify.Now, app, id string) error {
	panic("to come")
}
func (s *Store) Stock(ctx context.Context, now wxnotify.Now, app, openid string) (wxnotify.Stock, error) {
	panic("to come")
}
func (s *Store) Notify(app string)                       {}
func (s *Store) Waked(ctx context.Context) <-chan string { return nil }
func (s *Store) Message(ctx context.Context, app, id string) (wxnotify.Message, error) {
	panic("to come")
}
func (s *Store) Messages(ctx context.Context, f wxnotify.MessageFilter) ([]wxnotify.Message, string, error) {
	panic("to come")
}
func (s *Store) Permits(ctx context.Context, f wxnotify.PermitFilter) ([]wxnotify.Permit, string, error) {
	panic("to come")
}
func (s *Store) Replay(ctx context.Context, app, key string) (id string, fingerprint [32]byte, ok bool, err error) {
	panic("to come")
}

type hot any
type liteHot struct{}
type postHot struct{}
type wakes struct{}
type doubts struct{}
type probes struct{}
type walks struct{}

func (s *Store) listen(b *post) {}
