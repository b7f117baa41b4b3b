package relay_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// crowdMember is a person of a crowd, who does one thing after the other.
type crowdMember struct {
	*person
	random *rand.Rand
	peer   *peer // nil while away

	mu    sync.Mutex // guards what follows
	named map[crypto.Username]bool
	sees  map[crypto.Username]bool // who was said to be online
}

// connect logs in, perhaps while another connection is there, and notes what is
// heard there.
func (m *crowdMember) connect(w *world, readers *sync.WaitGroup) {
	c := w.login(m.person)
	sees := map[crypto.Username]bool{}
	m.mu.Lock()
	m.peer, m.sees, m.named = c, sees, map[crypto.Username]bool{}
	m.mu.Unlock()
	c.ws.SetReadDeadline(noDeadline)
	readers.Go(func() {
		for {
			_, b, err := c.ws.ReadMessage()
			if err != nil {
				return
			}
			if f, err := protocol.DecodeFromRelay(b); err == nil {
				if p, ok := f.(*protocol.Presence); ok {
					m.mu.Lock()
					sees[p.User] = p.State == protocol.Online
					m.mu.Unlock()
				}
			}
		}
	})
}

// act does one thing.
func (m *crowdMember) act(w *world, all []*crowdMember, readers *sync.WaitGroup) {
	if m.peer == nil || m.random.IntN(6) == 0 {
		m.connect(w, readers)
		return
	}
	switch other := all[m.random.IntN(len(all))]; m.random.IntN(8) {
	case 0:
		m.peer.ws.Close()
		m.peer = nil
	case 1:
		if other != m {
			m.peer.block(other.person)
			m.mu.Lock()
			delete(m.named, other.cert.User)
			m.mu.Unlock()
		}
	default:
		var with []*person
		named := map[crypto.Username]bool{}
		for _, p := range all {
			if m.random.IntN(4) > 0 {
				with, named[p.cert.User] = append(with, p.person), true
			}
		}
		m.mu.Lock()
		m.named = named
		m.mu.Unlock()
		m.peer.share(with...)
	}
}

// TestPresenceAgrees has a crowd come, go, share and block, all at once. Once it
// is quiet, each has heard the truth of all others.
func TestPresenceAgrees(t *testing.T) {
	for seed := range uint64(8) {
		inFakeTime(t, func(t *testing.T, w *world) {
			var all []*crowdMember
			for i := range 5 {
				m := &crowdMember{person: w.insert(fmt.Sprintf("person%d", i)), random: rand.New(rand.NewPCG(seed, uint64(i)))}
				all = append(all, m)
			}
			var readers sync.WaitGroup
			saw := 0
			for range 12 {
				for i, m := range all {
					for _, o := range all[:i] {
						w.befriend(m.person, o.person)
					}
					if m.peer != nil { // a list from before somebody became a contact is to be sent again
						m.peer.share()
						m.named = nil
					}
				}
				synctest.Wait()
				var acting sync.WaitGroup
				for _, m := range all {
					acting.Go(func() {
						for range m.random.IntN(6) {
							m.act(w, all, &readers)
							if m.random.IntN(4) == 0 {
								time.Sleep(time.Duration(m.random.Int64N(int64(2 * protocol.PresenceGrace))))
							}
						}
					})
				}
				acting.Wait()
				time.Sleep(2 * protocol.PresenceGrace)
				synctest.Wait()
				saw += compareSight(t, w, all)
			}
			if saw == 0 {
				t.Error("nobody has seen anybody")
			}
			for _, m := range all {
				if m.peer != nil {
					m.peer.ws.Close()
				}
			}
			readers.Wait()
		})
	}
}

// compareSight compares what each has heard with what is so, and returns how
// many are seen.
func compareSight(t *testing.T, w *world, all []*crowdMember) (saw int) {
	for _, m := range all {
		for _, o := range all {
			if m == o || m.peer == nil {
				continue
			}
			want := o.peer != nil && w.related(m.person, o.person) && m.named[o.cert.User] && o.named[m.cert.User]
			m.mu.Lock()
			got := m.sees[o.cert.User]
			m.mu.Unlock()
			if got != want {
				t.Errorf("%s sees %s: %v, want %v", m.cert.User, o.cert.User, got, want)
			}
			if got {
				saw++
			}
		}
	}
	if n, counted := w.relay.Followed(); n != counted {
		t.Errorf("%d names are counted, %d there", n, counted)
	}
	return saw
}
