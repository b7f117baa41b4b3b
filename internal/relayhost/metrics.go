package relayhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"secure-messaging/internal/relaymetrics"
)

// metricsTimeout bounds a scrape.
const metricsTimeout = 10 * time.Second

// errMetrics is the refusal of metrics for the world.
var errMetrics = errors.New("metrics tell anybody who asks how much is said here and when; listen for them on a loopback address such as 127.0.0.1:9090, or say --metrics-public")

// listenMetrics listens where Config says; nil if it says nothing.
func listenMetrics(addr string, public bool) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w; choose another address with --metrics", err)
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); !public && !(ok && tcp.IP.IsLoopback()) {
		ln.Close()
		return nil, errMetrics
	}
	return ln, nil
}

// MetricsAddr returns the address of the metrics, nil if there are none.
func (h *Host) MetricsAddr() net.Addr {
	if h.metrics == nil {
		return nil
	}
	return h.metrics.Addr()
}

// metricsHandler has /metrics. A page of a browser cannot read it: it is sent
// with nothing that would let it.
func (h *Host) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", relaymetrics.Handler(relaymetrics.New(h.relay, h.store)))
	return mux
}

// serveMetrics answers scrapes until ctx ends.
func (h *Host) serveMetrics(ctx context.Context) {
	server := &http.Server{
		Handler: h.metricsHandler(), ReadTimeout: metricsTimeout, WriteTimeout: metricsTimeout, ErrorLog: log.New(io.Discard, "", 0),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(h.metrics); ctx.Err() == nil {
		h.log.Error("metrics cannot be served any more; they need a restart of the relay", "error", err)
	}
}
