package relayhost

import (
	"net/http"

	"secure-messaging/internal/relayadmin"
	"secure-messaging/internal/version"
)

// Announce says under what address users reach the relay, for invites.
func (h *Host) Announce(url string) { h.url.Store(&url) }

// operatorHandler has what package relayadmin serves.
func (h *Host) operatorHandler() http.Handler {
	return relayadmin.NewHandler(relayadmin.Config{Relay: h.relay, Accounts: h.store, Invites: h.store, Describe: h.describe, Held: h.store.Held})
}

func (h *Host) describe() relayadmin.Relay {
	r := relayadmin.Relay{
		Fingerprint: h.Fingerprint(), Registration: h.relay.Registration().String(),
		Version: version.Get().Version, Began: h.began.UTC(),
	}
	if url := h.url.Load(); url != nil {
		r.URL = *url
	}
	return r
}
