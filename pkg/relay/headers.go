package relay

import "net/http"

// hsts tells browsers for half a year to come with TLS alone. Other machines of
// the domain are not this relay's to speak for.
const hsts = "max-age=15552000"

// secureHeaders tells browsers to make nothing of what they get here: it is no
// page, runs nothing, is shown in no frame, and is of no other kind than it says.
func (r *Relay) secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		if r.hsts {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, req)
	})
}
