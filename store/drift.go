package store

import "github.com/wxnotify/wxnotify"

// countDrift counts where WeChat contradicted the books. They are corrected
// elsewhere; here it is made visible, since a book that is wrong often has a
// cause: another system that sends with the same permits, or reports that
// never came from a user.
func countDrift(w *work, hits []*change) error {
	type drift struct{ closed, spent int64 }
	byApp := map[string]*drift{}
	at := func(app string) *drift {
		if byApp[app] == nil {
			byApp[app] = &drift{}
		}
		return byApp[app]
	}
	var apps []string // in the order of hits, which is that of all batches
	for _, ch := range hits {
		app := ch.m.App
		switch {
		case ch.books != nil && ch.lost: // "nothing left" may mean that the attempt whose answer was lost took the last
			continue
		case ch.books != nil:
			at(app).closed++
		case ch.kill != nil && ch.cause == wxnotify.CauseSpent:
			at(app).spent++
		default:
			continue
		}
		if len(apps) == 0 || apps[len(apps)-1] != app {
			apps = append(apps, app)
		}
	}
	for _, app := range apps {
		d := byApp[app]
		w.s.log.Warn("WeChat contradicts the books; they are corrected", "app", app, "closed", d.closed, "spent", d.spent)
		if _, err := w.exec(`update app set drift_closed = drift_closed + $1, drift_spent = drift_spent + $2, drift_at = $3 where app = $4`,
			d.closed, d.spent, nowMS(), app); err != nil {
			return err
		}
	}
	return nil
}
