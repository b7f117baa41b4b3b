package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// A relay that asks to slow down is left alone for as long as it says, within
// bounds, whatever is sent meanwhile, and then gets everything, in order.
func TestSlowDown(t *testing.T) {
	refuse := func(retryAfter uint64) func(*line) {
		return func(l *line) {
			l.login()
			id := want[*protocol.SendMessage](l).ID
			l.send(&protocol.Error{Code: protocol.CodeRateLimited, Message: "slower", ID: &id, RetryAfter: retryAfter})
			for l.read() != nil {
			}
		}
	}
	for _, tt := range []struct {
		name        string
		f           func(*line)
		least, most time.Duration
	}{
		{"40 s", refuse(40_000), 40 * time.Second, 50 * time.Second},
		{"no time", refuse(0), minSlow, 2 * minSlow},
		{"285,000 years", refuse(protocol.MaxNumber), maxSlow, maxSlow * 5 / 4},
		{"closed at once", func(l *line) { l.login(); l.close(websocket.CloseTryAgainLater) }, 10 * time.Second, 13 * time.Second},
		{"at login", func(l *line) {
			l.proof(l.challenge())
			l.send(&protocol.Error{Code: protocol.CodeRateLimited, Message: "slower", RetryAfter: 20_000})
			l.gone()
		}, 20 * time.Second, 25 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []crypto.MessageID
				s, _, c := newScript(t, tt.f, func(l *line) {
					l.login()
					for range 3 {
						got = append(got, want[*protocol.SendMessage](l).ID)
					}
					l.gone()
				})
				var said []string
				say := func() {
					m, err := c.Send(t.Context(), "bob", "hi")
					if err != nil {
						t.Fatal(err)
					}
					said = append(said, m.ID)
				}
				say()
				say()
				began := time.Now()
				run(t, c)
				st := status(c)
				if wait := st.RetryAt.Sub(began); wait < tt.least || wait > tt.most {
					t.Errorf("tried again in %v", wait)
				}
				if !strings.Contains(st.Reason, "slow down; trying again at "+st.RetryAt.Format(time.TimeOnly)) || st.Code != CodeRateLimit || st.Fatal {
					t.Errorf("%+v", st)
				}
				time.Sleep(hurryAfter)
				if st.RetryAt.After(time.Now()) {
					say() // must not bring it forward
					time.Sleep(time.Until(st.RetryAt) - time.Millisecond)
					if synctest.Wait(); len(s.dialled()) != 1 {
						t.Error("it did not stay away")
					}
					time.Sleep(time.Millisecond)
				} else {
					say()
				}
				if st := status(c); st.State != Connected || len(got) != 3 {
					t.Fatalf("%+v, %d messages", st, len(got))
				}
				for i, id := range got {
					if id.String() != said[i] {
						t.Errorf("message %d is another", i)
					}
				}
			})
		})
	}
}

// Those who were told the same do not come back at the same moment, and none
// too early.
func TestSlowDownSpreads(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 100 {
		p := slowDown(40 * time.Second).pause()
		if seen[p] = true; p < 40*time.Second || p > 50*time.Second {
			t.Errorf("away for %v", p)
		}
	}
	if len(seen) < 90 {
		t.Errorf("%d different pauses of 100", len(seen))
	}
}

// A relay that does nothing but ask to slow down is asked less and less often.
func TestSlowDownForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		no := func(l *line) { l.login(); l.close(websocket.CloseTryAgainLater) }
		var conns []func(*line)
		for range 1000 {
			conns = append(conns, no)
		}
		s, _, c := newScript(t, conns...)
		run(t, c)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(s.dialled()); n < 60 || n > 360 {
			t.Errorf("%d tries in an hour", n)
		}
	})
}

// A relay that says that it restarts gets its clients back in a moment, not all
// in the same; one that goes on saying so, less and less often.
func TestRestart(t *testing.T) {
	seen := make(map[time.Duration]bool)
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var conns []func(*line)
			for range 100 {
				conns = append(conns, func(l *line) { l.login(); l.close(websocket.CloseServiceRestart) })
			}
			s, _, c := newScript(t, conns...)
			run(t, c)
			st := status(c)
			if wait := time.Until(st.RetryAt); wait > restartSpread || st.Reason != "The relay is restarting." {
				t.Errorf("%+v, in %v", st, wait)
			}
			seen[time.Until(st.RetryAt)] = true
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if n := len(s.dialled()); n > 50 {
				t.Errorf("%d tries in ten minutes", n)
			}
		})
	}
	if len(seen) < 15 {
		t.Errorf("%d different pauses of 20", len(seen))
	}
}

// Whoever looks somebody up too often is told when to come back.
func TestLookUpTooFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(l *line) {
			l.login()
			id := want[*protocol.FetchPrekeys](l).ID
			l.send(&protocol.Error{Code: protocol.CodeRateLimited, Message: "slower", ID: &id, RetryAfter: 600_000})
			l.gone()
		})
		run(t, c)
		_, err := c.Connect(t.Context(), "carol", "")
		if !errors.Is(err, ErrRateLimit) || !strings.Contains(err.Error(), "Try again in 10 minutes.") {
			t.Errorf("%v", err)
		}
		if st := status(c); st.State != Connected {
			t.Errorf("%+v", st)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(l *line) { l.login(); l.close(websocket.CloseTryAgainLater) })
		run(t, c)
		st, began := status(c), time.Now()
		_, err := c.Connect(t.Context(), "carol", "")
		if !errors.Is(err, ErrRateLimit) || err.Error() != st.Reason || time.Since(began) != 0 {
			t.Errorf("while it stays away: %v, after %v", err, time.Since(began))
		}
	})
}

// So is whoever registers, or opens connections; whatever the answer looks
// like, for a proxy may say it too.
func TestHTTPTooFast(t *testing.T) {
	for header, when := range map[string]string{
		"": "in a moment", "0": "in a moment", "1": "in a moment", "90": "in 90 seconds", "121": "in 3 minutes", "7201": "in 3 hours",
		"18446744073709551615": "in a moment", "4294967295": "in 24 hours", "-5": "in a moment", "\x7f": "in a moment",
		"Wed, 21 Oct 2015 07:28:00 GMT": "in a moment",
	} {
		h := http.Header{"Retry-After": {header}}
		wish := slowHeader(h)
		if got := wish.when(); got != when {
			t.Errorf("Retry-After %q: %s, want %s", header, got, when)
		}
		if p := wish.pause(); p < minSlow || p > maxSlow*5/4 {
			t.Errorf("Retry-After %q: away for %v", header, p)
		}
	}
	f := newFakeHTTP(t)
	tooFast := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	f.HandleFunc(protocol.PathUsers, tooFast)
	f.HandleFunc(protocol.PathRegister, tooFast)
	keys, first := f.keys(t, "alice")
	_, _, c := newScript(t)
	c.netDial = func(context.Context, string, string) (net.Conn, error) {
		return &endless{head: "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n"}, nil
	}
	_, dialled := c.dial(t.Context())
	for what, err := range map[string]error{
		"a look-up":      Free(t.Context(), f.server, f.key.Public(), "alice"),
		"a registration": Register(t.Context(), keys, first),
		"a connection":   dialled,
	} {
		if !errors.Is(err, ErrRateLimit) || !strings.Contains(err.Error(), "Try again in 90 seconds.") {
			t.Errorf("%s: %v", what, err)
		}
		if wish, ok := slowed(err); !ok || wish != slowDown(90*time.Second) {
			t.Errorf("%s: away for %v", what, wish)
		}
	}
}
