package relayhost

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// get makes a request and returns its status and body.
func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// once is a client that keeps no connection.
func once() *http.Client { return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} }

func TestMetrics(t *testing.T) {
	h, stop := start(t, Config{DataDir: t.TempDir(), Metrics: "127.0.0.1:0"})
	defer stop()
	status, body := get(t, once(), "http://"+h.MetricsAddr().String()+"/metrics")
	if status != http.StatusOK || !strings.Contains(body, "\nchat_relay_connections{state=\"authenticated\"} 0\n") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, once(), "http://"+h.MetricsAddr().String()+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("there is more than metrics: %d %s", status, body)
	}
}

// TestMetricsAreNotForTheWorld, unless somebody says so.
func TestMetricsAreNotForTheWorld(t *testing.T) {
	wants(t, refused(t, Config{DataDir: t.TempDir(), Metrics: "0.0.0.0:0"}), "loopback address", "--metrics-public")
	h, stop := start(t, Config{DataDir: t.TempDir(), Metrics: "0.0.0.0:0", MetricsPublic: true})
	defer stop()
	if h.MetricsAddr() == nil {
		t.Error("there are no metrics")
	}
}
