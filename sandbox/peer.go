package sandbox

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Peer is a wxnotify server that sends through this sandbox. The page then also
// does what a mini program and a backend would do: it hands in permits, and
// sends messages.
type Peer struct {
	URL   string `json:"url"`   // of its API, without a slash at the end
	AppID string `json:"appid"` // the sandbox's app that it knows
	Key   string `json:"key"`   // of all scopes; whoever can open the page can read it

	// Callback is where the server takes the app's events; nil: it takes none.
	// A reset of the world leaves it.
	Callback *Callback `json:"-"`
}

// peer is a Peer and the way to it.
type peer struct {
	Peer
	proxy http.Handler
}

// peerPaths are the parts of the server that can be reached through the sandbox:
// its API, and not its pages.
var peerPaths = []string{"/server/v1/", "/server/mp/v1/"}

// Join shows the page a server. Its API is then found under /server/ too, so
// that the page talks to nobody but the sandbox. p.URL is an absolute http
// address and p.Callback is complete; anything else is a bug of the caller.
func (s *Sandbox) Join(p Peer) {
	target, err := url.Parse(p.URL)
	if err != nil || target.Host == "" {
		panic("sandbox: Join: the URL is not absolute")
	}
	if err := p.Callback.complete(); err != nil {
		panic("sandbox: Join: " + err.Error())
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Path, r.Out.URL.RawPath = strings.TrimPrefix(r.In.URL.Path, "/server"), ""
			r.SetURL(target)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			writeRefusal(w, refuse(http.StatusBadGateway, "the server does not answer"))
		},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peer.Store(&peer{p, sameSite(forward)})
	s.listenIn(s.w)
}

// listenIn has the server that joined hear of its app in w; the lock is held.
func (s *Sandbox) listenIn(w *world) {
	p := s.peer.Load()
	if p == nil || p.Callback == nil {
		return
	}
	if a := w.byID[p.AppID]; a != nil {
		a.update(App{Callback: p.Callback})
	}
}

// joined returns the proxy for a path of the server's API, nil for other paths
// and while there is no server.
func (s *Sandbox) joined(path string) http.Handler {
	p := s.peer.Load()
	if p == nil {
		return nil
	}
	for _, prefix := range peerPaths {
		if strings.HasPrefix(path, prefix) {
			return p.proxy
		}
	}
	return nil
}

// GET /sandbox/server
func getServer(s *Sandbox, r *http.Request) (any, error) {
	var out struct {
		Server *Peer `json:"server"`
	}
	if p := s.peer.Load(); p != nil {
		out.Server = &p.Peer
	}
	return out, onlyQuery(r)
}
