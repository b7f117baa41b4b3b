package relay_test

import (
	"net/http"
	"testing"

	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestSecureHeaders: every answer has them, refusals too.
func TestSecureHeaders(t *testing.T) {
	for _, hsts := range []bool{false, true} {
		w := newWorld(t, func(c *relay.Config) { c.HSTS = hsts })
		foreign := w.request("GET", protocol.PathRelay, "")
		foreign.Header.Set("Origin", "https://evil.example.org")
		for _, req := range []*http.Request{w.request("GET", protocol.PathRelay, ""), w.request("GET", "/nothing", ""), w.request("GET", "/healthz", ""), foreign} {
			_, h, _ := w.do(req)
			for name, want := range map[string]string{
				"X-Content-Type-Options":  "nosniff",
				"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
				"Referrer-Policy":         "no-referrer",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s is %q", req.URL.Path, name, got)
				}
			}
			if got := h.Get("Strict-Transport-Security"); (got != "") != hsts {
				t.Errorf("%s: HSTS is %q, wanted: %v", req.URL.Path, got, hsts)
			}
		}
	}
}
