package storetest

import "testing"

// Run runs the whole contract on one database.
func Run(t *testing.T, db Database) {
	for _, group := range []map[string]func(*testing.T, Database){
		accepts, deposits, claims, settles, evidences, waits, pauses, aliases, paces, lists,
		consoles, records, secretsKept, faults, races, properties, events, audits, erasures, retains,
		sums, shortages,
	} {
		for name, f := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f(t, db)
			})
		}
	}
}
