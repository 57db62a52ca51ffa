package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxnotify/wxnotify"
)

// latencies are the store's own buckets, which are Prometheus's too.
type latencies struct {
	mu  sync.Mutex
	app map[string]*wxnotify.Latency
}

func (l *latencies) add(app string, more wxnotify.Latency) {
	if more == (wxnotify.Latency{}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.app == nil {
		l.app = map[string]*wxnotify.Latency{}
	}
	have := l.app[app]
	if have == nil {
		have = new(wxnotify.Latency)
		l.app[app] = have
	}
	for i, n := range more {
		have[i] += n
	}
}

var latencyDesc = desc("wxnotify_message_latency_seconds")

// Describe is prometheus.Collector's.
func (l *latencies) Describe(c chan<- *prometheus.Desc) { c <- latencyDesc }

// Collect is prometheus.Collector's.
func (l *latencies) Collect(c chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for app, have := range l.app {
		var count uint64
		var sum, low float64
		below := map[float64]uint64{}
		for i, n := range have {
			high := wxnotify.BucketBelow(i).Seconds()
			if count += uint64(n); high > 0 {
				below[high] = count
				sum += float64(n) * (low + high) / 2
				low = high
			} else {
				sum += float64(n) * low
			}
		}
		c <- prometheus.MustNewConstHistogram(latencyDesc, count, sum, below, app)
	}
}

func desc(name string) *prometheus.Desc {
	line := find(name)
	return prometheus.NewDesc(line.Name, line.En, line.Labels, nil)
}
