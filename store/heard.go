package store

import (
	"github.com/wxnotify/wxnotify"
)

// hear fills in what WeChat said about codes that are so young that it may not
// know them yet, when the same message tried them before. That is rare: hardly
// a message has a second attempt while its permit is young.
func (x *claim) hear() error {
	var rows [][]string
	tries := map[[2]string]*wxnotify.Try{}
	for i := range x.out.Tries {
		t := &x.out.Tries[i]
		if t.Attempt.Number > 1 && t.Permit.Young(x.now.Virtual) {
			rows = append(rows, []string{t.Message.App, t.Message.ID})
			tries[[2]string{t.Message.App, t.Message.ID}] = t
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return x.w.each(func(r scanner) error {
		var k [2]string
		var permit string
		var errcode int
		err := r.Scan(&k[0], &k[1], &permit, &errcode)
		if t := tries[k]; err == nil && permit == t.Permit.ID {
			t.Heard = append(t.Heard, errcode)
		}
		return err
	}, `select a.app, a.message, a.permit, a.errcode from `+x.w.unpack("$1", "app", "message")+` u
		cross join attempt a where a.app = u.app and a.message = u.message and a.errcode is not null`, pack(rows))
}

// heard is the same of the attempts of one message that came before number.
func heard(as []wxnotify.Attempt, permit string, number int) (codes []int) {
	for _, a := range as {
		if a.Permit == permit && a.Number < number && a.Errcode != nil {
			codes = append(codes, *a.Errcode)
		}
	}
	return codes
}
