package api

import "github.com/wxnotify/wxnotify"

// A RouteLine is a route of the table, as tests outside see it.
type RouteLine struct {
	Method, Path string
	Scope        wxnotify.Scope
	ByKey        bool
	Body         bool
}

// Routes are all that the table holds.
func Routes() (all []RouteLine) {
	for _, r := range routes {
		all = append(all, RouteLine{r.method, r.path, r.scope, r.access == byKey, r.in != nil})
	}
	return all
}
