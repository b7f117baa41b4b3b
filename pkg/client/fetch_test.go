package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// asked is what Connect has come to.
type asked struct {
	c   Contact
	err error
}

func connectTo(c *Client, name string) <-chan asked {
	done := make(chan asked, 1)
	go func() {
		contact, err := c.Connect(context.Background(), name, "hi")
		done <- asked{contact, err}
	}()
	return done
}

// carol is somebody whose keys the relay gives.
func (l *line) carol(id crypto.MessageID) *protocol.Prekeys {
	p := evil(l.w, "carol", l.key.Public())
	b := l.w.bundle(p)
	return &protocol.Prekeys{ID: id, Certificate: b.Certificate, Signed: b.Signed.Raw()}
}

// The question about a person's keys goes over the connection, and its answer
// makes a request. A connection that breaks meanwhile is told to who has asked.
func TestConnectAsksTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(l *line) {
			l.login()
			want[*protocol.FetchPrekeys](l)
			// and no answer: the connection breaks
		}, func(l *line) {
			l.login()
			f := want[*protocol.FetchPrekeys](l)
			if f.Target != "carol" {
				l.t.Errorf("asked for %s", f.Target)
			}
			l.send(l.carol(f.ID))
			l.send(l.carol(f.ID)) // nobody waits for a second answer
			r := want[*protocol.ConnectRequest](l)
			l.stored(r.ID)
			l.gone()
		})
		run(t, c)
		synctest.Wait()
		done := connectTo(c, "carol")
		if got := <-done; !hasCode(got.err, CodeUnreachable) {
			t.Errorf("over a connection that breaks: %v", got.err)
		}
		if got := <-connectTo(c, "carol"); got.err != nil || got.c.State != Requested || got.c.Trust != Pinned {
			t.Errorf("got %+v, %v", got.c, got.err)
		}
		if s := status(c); s.Waiting != 0 || s.State != Connected {
			t.Errorf("%+v", s)
		}
	})
}

func hasCode(err error, code Code) bool {
	e, ok := err.(*Error)
	return ok && e.Code == code
}

func TestAnswersAboutPeople(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(*line, crypto.MessageID) protocol.Frame
		want   Code
	}{
		"nobody": {func(_ *line, id crypto.MessageID) protocol.Frame {
			return &protocol.Error{Code: protocol.CodeUnknownUser, Message: "no", ID: &id}
		}, CodeNoUser},
		"cannot look": {func(_ *line, id crypto.MessageID) protocol.Frame {
			return &protocol.Error{Code: protocol.CodeUnavailable, Message: "no", ID: &id}
		}, CodeUnreachable},
		"will not": {func(_ *line, id crypto.MessageID) protocol.Frame {
			return &protocol.Error{Code: "odd", Message: "\x1b[2J", ID: &id}
		}, CodeRefused},
		"another person": {func(l *line, id crypto.MessageID) protocol.Frame {
			b := l.w.bundle(evil(l.w, "dave", l.key.Public()))
			return &protocol.Prekeys{ID: id, Certificate: b.Certificate, Signed: b.Signed.Raw()}
		}, CodeKeyChanged},
		"of another relay": {func(l *line, id crypto.MessageID) protocol.Frame {
			b := l.w.bundle(evil(l.w, "carol", crypto.NewRelayPrivate().Public()))
			return &protocol.Prekeys{ID: id, Certificate: b.Certificate, Signed: b.Signed.Raw()}
		}, CodeKeyChanged},
		"prekeys of another": {func(l *line, id crypto.MessageID) protocol.Frame {
			f := l.carol(id)
			f.Signed = l.w.bundle(evil(l.w, "carol", l.key.Public())).Signed.Raw()
			return f
		}, CodeKeyChanged},
		"a one-time prekey as the signed one": {func(l *line, id crypto.MessageID) protocol.Frame {
			p := evil(l.w, "carol", l.key.Public())
			once := crypto.NewPrekey(crypto.PrekeyOneTime, 7, l.w.now).Sign(p.cert(), p.keys.Device)
			return &protocol.Prekeys{ID: id, Certificate: p.cert(), Signed: once.Raw()}
		}, CodeKeyChanged},
		"a one-time prekey of another": {func(l *line, id crypto.MessageID) protocol.Frame {
			p, f := evil(l.w, "carol", l.key.Public()), l.carol(id)
			f.OneTime = crypto.NewPrekey(crypto.PrekeyOneTime, 7, l.w.now).Sign(p.cert(), p.keys.Device).Raw()
			return f
		}, CodeKeyChanged},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, c := newScript(t, func(l *line) {
					l.login()
					l.send(tt.answer(l, want[*protocol.FetchPrekeys](l).ID))
					l.gone()
				})
				stop := run(t, c)
				got := <-connectTo(c, "carol")
				if !hasCode(got.err, tt.want) {
					t.Errorf("got %v", got.err)
				}
				for _, b := range []byte(got.err.Error()) {
					if b < ' ' {
						t.Errorf("the error holds %q", got.err)
					}
				}
				if cs, _ := c.Contacts(t.Context()); len(cs) != 1 {
					t.Errorf("contacts %v", cs)
				}
				stop()
			})
		})
	}
}

// Without a connection, or with one that is silent, nobody waits for ever.
func TestConnectWithoutRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t)
		run(t, c)
		synctest.Wait()
		began := time.Now()
		if got := <-connectTo(c, "carol"); !hasCode(got.err, CodeUnreachable) || time.Since(began) > fetchTimeout {
			t.Errorf("after %v: %v", time.Since(began), got.err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(l *line) {
			l.login()
			want[*protocol.FetchPrekeys](l)
			l.gone()
		})
		stop := run(t, c)
		began := time.Now()
		if got := <-connectTo(c, "carol"); !hasCode(got.err, CodeUnreachable) || time.Since(began) != fetchTimeout {
			t.Errorf("after %v: %v", time.Since(began), got.err)
		}
		if len(c.asks) != 0 {
			t.Error("the question is still there")
		}
		stop()
	})
}

// A message that is written meanwhile does not end the wait for a connection.
func TestSendWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(*line) {}, func(l *line) {
			l.login()
			f := want[*protocol.FetchPrekeys](l)
			l.send(l.carol(f.ID))
			for g := l.read(); g != nil; g = l.read() {
			}
		})
		stop := run(t, c)
		defer stop()
		synctest.Wait()
		done := connectTo(c, "carol")
		synctest.Wait()
		cs, _ := c.Contacts(t.Context())
		if _, err := c.Send(t.Context(), cs[0].Name, "hi"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case got := <-done:
			t.Errorf("a send has failed the question: %v", got.err)
		default:
		}
		if got := <-done; got.err != nil || got.c.State != Requested {
			t.Errorf("%+v", got)
		}
	})
}

// A client that stays connected replaces its signed prekey when it is due.
func TestPrekeyIsReplacedWhileConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := make(chan *protocol.PublishPrekeys, 1)
		_, store, c := newScript(t, func(l *line) {
			l.ws.SetPingHandler(nil)
			l.login()
			ticks := time.NewTicker(time.Minute)
			defer ticks.Stop()
			left := make(chan struct{})
			defer close(left)
			go func() {
				for {
					select {
					case <-ticks.C:
						l.ws.WriteControl(9, nil, time.Now().Add(time.Second))
					case <-left:
						return
					}
				}
			}()
			published <- want[*protocol.PublishPrekeys](l)
			l.gone()
		})
		for id, k := range store.prekeys { // the world's clock is not this one
			k.Created = time.Now()
			store.prekeys[id] = k
		}
		c = Reopened(t, c)
		stop := run(t, c)
		began := time.Now()
		f := <-published
		if after := time.Since(began); after < prekeyRotation || after > prekeyRotation+maintenanceInterval {
			t.Errorf("published after %v", after)
		}
		k, err := crypto.ParsePrekey(f.Signed, store.keys.Certificate)
		if err != nil || k.Kind != crypto.PrekeySigned || k.ID <= 1 {
			t.Errorf("%d, %v", k.ID, err)
		}
		stop()
	})
}

// Reopened is Reopen with the same wires.
func Reopened(t *testing.T, c *Client) *Client {
	next := Reopen(t, c)
	next.netDial = c.netDial
	return next
}

// An account from before this protocol says so, and keeps its history.
func TestAccountFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, store, c := newScript(t)
		store.keys.Certificate.Version = 0
		c = Reopen(t, c)
		stop := run(t, c)
		if s := status(c); !s.Fatal || s.Code != CodeRefused {
			t.Errorf("%+v", s)
		}
		if got := <-connectTo(c, "carol"); !hasCode(got.err, CodeRefused) {
			t.Errorf("connect: %v", got.err)
		}
		stop()
	})
}
