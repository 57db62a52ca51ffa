package store

import (
	"context"
	"time"

	"github.com/wxnotify/wxnotify"
)

// A permit that is spent or dead stays known for the retention time of permits,
// counted from its deposit: long beyond the deadline of its code, so that what
// is handed in again is recognised, and as long as the message that it was for
// is shown. Then its row goes, and with it the hash of its code.
//
// Ids grow with time: a walk by the primary key finds what is old without an
// index of its own. It goes past permits that still live, which may be many; so
// it only hurries on where it finds something to take away.

const defaultPermitRetention = 90 * 24 * time.Hour

// MinPermitRetention is beyond the deadline of every code.
const MinPermitRetention = 8 * 24 * time.Hour

func (s *Store) permitRetention() time.Duration {
	if s.opt.PermitRetention > 0 {
		return s.opt.PermitRetention
	}
	return defaultPermitRetention
}

// sweepSpent takes the next stretch of the walk, and says whether it is worth
// while to go on at once.
func (s *Store) sweepSpent(ctx context.Context, now wxnotify.Now, app string) (more bool, err error) {
	walk, last, seen := s.walks.at("spent", app), "", 0
	var gone [][]string
	err = s.look(ctx, "sweep", func(ctx context.Context) error {
		return s.each(ctx, func(r scanner) error {
			over := 0
			if err := r.Scan(&last, &over); err != nil {
				return err
			}
			if seen++; over == 1 {
				gone = append(gone, []string{last})
			}
			return nil
		}, `select p.id, case when (p.state = 'used' or p.state = 'dead') and m.id is null then 1 else 0 end
			from permit p left join message m on m.app = p.app and m.id = p.message
			where p.app = $1 and p.id > $2 and p.id < $3 order by p.id limit $4`,
			app, walk.id, idAt(wxnotify.PermitPrefix, now.Virtual.Add(-s.permitRetention())), bite)
	})
	if err != nil {
		return false, err
	}
	if seen < bite {
		last = "" // from the beginning: what lived then may be over by now
	}
	s.walks.set("spent", app, position{id: last})
	if len(gone) == 0 {
		return false, nil
	}
	return seen == bite, s.do(ctx, "sweep", engineLimit, func(w *work) error {
		_, err := w.exec(`delete from permit where app = $1 and id in (select u.id from `+w.unpack("$2", "id")+` u)
			and (state = 'used' or state = 'dead')`, app, pack(gone)) // late evidence may have come meanwhile
		return err
	})
}
