// Package relaymetrics shows what a relay counts as Prometheus metrics. Nothing
// is counted here: each scrape reads what the relay and its store have counted.
// No metric names a user, a device or an address.
package relaymetrics

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"secure-messaging/internal/relaystore"
	"secure-messaging/internal/version"
	"secure-messaging/pkg/relay"
)

const prefix = "chat_relay_"

// family is a metric with one label at most.
func family(name, help string, label ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, label, nil)
}

var (
	buildInfo   = prometheus.NewDesc(prefix+"build_info", "Which build runs; always 1.", []string{"version", "commit", "goversion"}, nil)
	connections = family("connections", "WebSockets, by whether their device has logged in.", "state")
	http1       = family("http_connections", "Connections that are no WebSocket.")
	airborne    = family("airborne_bytes", "Sealed bytes that were handed on, not acked and not stored.")
	entries     = family("mailbox_entries", "What waits in all mailboxes, receipts among it.")
	bytesHeld   = family("mailbox_bytes", "Sealed bytes that wait in all mailboxes.")
	filesHeld   = family("files_bytes", "Bytes of all files, with 16 KiB more for each.")
	limits      = family("limit_bytes", "How much mailboxes and files may hold.", "of")
	diskFree    = family("disk_free_bytes", "Free bytes of the disk that the store is on.")
	diskUsed    = family("store_bytes", "Bytes of the tables and logs of the store.")
	delivery    = family("delivery_seconds", "From the relay's taking of a message to the ack of its recipient, by whether it has waited in a mailbox.", "way")
	fsync       = family("fsync_seconds", "How long an fsync of the store's log took.")

	framesIn  = family("frames_received_total", "Frames of devices that are logged in.", "type")
	framesOut = family("frames_sent_total", "Frames that were written.")
	messages  = family("messages_total", "Messages: handed on at once, stored, delivered (acked), by what has become of them.", "outcome")
	prekeys   = family("prekeys_total", "Publications and look-ups of prekeys.", "event")
	files     = family("files_total", "Files, by what was done with them.", "event")
	refusals  = family("refusals_total", "Frames, requests and connections that were refused.", "reason")
	dropped   = family("dropped_total", "Connections, files and receipts that were given up.", "reason")
	events    = family("events_total", "Everything else that is counted.", "event")
)

// collector reads a relay and its store.
type collector struct {
	relay *relay.Relay
	store *relaystore.Store
}

// New makes a registry with everything about a relay, and about the process.
func New(r *relay.Relay, s *relaystore.Store) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{r, s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// Handler serves a registry.
func Handler(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, connections, http1, airborne, entries, bytesHeld, filesHeld, limits, diskFree, diskUsed, delivery, fsync,
		framesIn, framesOut, messages, prekeys, files, refusals, dropped, events,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, label ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, label...)
	}
	build := version.Get()
	gauge(buildInfo, 1, build.Version, build.Commit, build.Go)
	load := c.relay.Load()
	gauge(connections, float64(load.Connected), "authenticated")
	gauge(connections, float64(load.Pending), "pending")
	gauge(http1, float64(load.HTTP))
	gauge(airborne, float64(load.Airborne))
	held := c.store.Held()
	gauge(entries, float64(held.Entries))
	gauge(bytesHeld, float64(held.Bytes))
	gauge(filesHeld, float64(held.Files))
	gauge(limits, float64(held.MaxBytes), "mailboxes")
	gauge(limits, float64(held.MaxFiles), "files")
	gauge(diskFree, float64(held.DiskFree))
	gauge(diskUsed, float64(held.DiskUsage))
	direct, stored := c.relay.Deliveries()
	latencies(to, direct, "direct")
	latencies(to, stored, "mailbox")
	fsyncs(to, c.store.Fsyncs())
	for name, n := range c.relay.Snapshot() {
		d, label := place(string(name))
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), label...)
	}
}

// place says under which metric a counter of the relay stands.
func place(name string) (*prometheus.Desc, []string) {
	if name == string(relay.CountFramesOut) {
		return framesOut, nil
	}
	for _, p := range []struct {
		part string
		desc *prometheus.Desc
	}{{"refused_", refusals}, {"dropped_", dropped}, {"frames_in_", framesIn}} {
		if label, ok := strings.CutPrefix(name, p.part); ok {
			return p.desc, []string{label}
		}
	}
	for _, p := range []struct {
		part string
		desc *prometheus.Desc
	}{{"_messages", messages}, {"_prekeys", prekeys}, {"_files", files}} {
		if label, ok := strings.CutSuffix(name, p.part); ok {
			return p.desc, []string{label}
		}
	}
	return events, []string{name}
}

func latencies(to chan<- prometheus.Metric, l *relay.Latencies, way string) {
	below, count, sum := l.Snapshot()
	to <- prometheus.MustNewConstHistogram(delivery, count, sum, below, way)
}

// fsyncs gives the histogram of the store's engine, which is in nanoseconds, in
// seconds, and every fifth range of its hundred.
func fsyncs(to chan<- prometheus.Metric, m prometheus.Metric) {
	var read dto.Metric
	if m == nil || m.Write(&read) != nil {
		return
	}
	h := read.GetHistogram()
	below := map[float64]uint64{}
	for i, b := range h.GetBucket() {
		if i%5 == 0 {
			below[b.GetUpperBound()/1e9] = b.GetCumulativeCount()
		}
	}
	to <- prometheus.MustNewConstHistogram(fsync, h.GetSampleCount(), h.GetSampleSum()/1e9, below)
}
