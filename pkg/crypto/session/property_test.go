package session_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
	"secure-messaging/pkg/crypto/session"
)

var (
	schedules = flag.Int("schedules", 1000, "how many random schedules to run")
	firstSeed = flag.Uint64("seed", 1, "the seed of the first schedule; the next have the next")
)

// Two devices and a network that drops, reorders, duplicates, delays and
// corrupts; the devices crash before and after they have written, start again
// from what was written, and their clocks jump; requests cross and are
// repeated. The oracle knows what was sealed in which session and order:
//
//   - what opens is what the other has sealed, and nothing opens twice;
//   - all opens whose session the recipient has;
//   - the number of those that were skipped is exact;
//   - what does not open changes nothing;
//   - in the end, a round trip that nobody disturbs brings both to one session.
//
// To run one again: go test ./pkg/crypto/session -run Schedules -seed N -schedules 1
func TestRandomSchedules(t *testing.T) {
	count := map[string]int{}
	for i := range *schedules {
		s := newSchedule(t, *firstSeed+uint64(i), count)
		for range 40 + s.rng.IntN(80) {
			s.step()
		}
		s.settle()
	}
	t.Logf("%d schedules: %v", *schedules, count)
	if *schedules < 1000 {
		return
	}
	for what, least := range map[string]int{
		"opened": 20_000, "late": 3000, "skipped": 5000, "copies": 1000, "corrupted": 1000, "dropped": 1000, "lost steps": 2000,
		"sent again": 2000, "KEM answers": 700, "crossed": 500, "retracted": 100, "of no session": 200,
	} {
		if count[what] < least {
			t.Errorf("%s: only %d; the schedules are too tame", what, count[what])
		}
	}
}

type tag = [ratchet.TagSize]byte

// packet is a request or message on its way, and what the oracle knows of it.
type packet struct {
	data    []byte
	text    string
	request bool
	session tag
	number  int // in the order in which its author sealed in the session; a request is 0
	opened  bool
}

// end is one of the devices.
type end struct {
	*party
	src    *source.Source
	stored []byte // what is on its disk
	coming []*packet
	seen   map[crypto.BoxPublic]bool // ephemeral keys of requests
	asked  int
	holds  map[tag]bool // the oracle's: the sessions that this end can open
	sealed map[tag]int  // the oracle's: how many it has sealed in each
	newest map[tag]int  // the oracle's: the highest number that has come in each
}

type schedule struct {
	t    *testing.T
	seed uint64
	rng  *rand.Rand
	now  time.Time
	ends [2]*end
	said int

	count map[string]int // what has happened
}

func newSchedule(t *testing.T, seed uint64, count map[string]int) *schedule {
	s := &schedule{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), now: begun, count: count}
	people := []vectors.Person{vectors.Alice(), vectors.Bob()}
	for i := range s.ends {
		random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24), byte(i)})
		read := func(n int) []byte {
			b := make([]byte, n)
			random.Read(b)
			return b
		}
		src := *source.System
		src.Box = func() crypto.BoxPrivate { return must(crypto.BoxPrivateFromBytes(read(crypto.KeySize))) }
		src.KEM = func() crypto.KEMPrivate { return must(crypto.KEMPrivateFromSeed(read(crypto.KEMSeedSize))) }
		src.Salt = func() [source.SaltSize]byte { return [source.SaltSize]byte(read(source.SaltSize)) }
		s.ends[i] = &end{
			party: newParty(people[(uint64(i)+seed)%2]), src: &src, seen: map[crypto.BoxPublic]bool{},
			holds: map[tag]bool{}, sealed: map[tag]int{}, newest: map[tag]int{},
		}
	}
	s.ask(0)
	return s
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *schedule) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d: %s", s.seed, fmt.Sprintf(format, args...))
}

func (s *schedule) chance(percent int) bool { return s.rng.IntN(100) < percent }

// step does one thing at random.
func (s *schedule) step() {
	i := s.rng.IntN(2)
	switch n := s.rng.IntN(100); {
	case n < 38:
		s.seal(i)
	case n < 88:
		s.deliver(i)
	case n < 92 && s.ends[i].asked < session.MaxPending:
		s.ask(i)
	case n < 95:
		s.restart(i)
	case n < 96:
		pruned, _ := s.ends[i].Prune(s.now) // nothing is old enough, so nothing may go
		s.commit(i, pruned)
	default:
		jumps := []time.Duration{time.Second, time.Minute, time.Hour, 2 * time.Hour, -time.Hour, -time.Minute}
		s.now = s.now.Add(jumps[s.rng.IntN(len(jumps))])
	}
}

// commit writes a step, unless the device crashes just before. It may crash
// just after.
func (s *schedule) commit(i int, next session.Session) (written bool) {
	e := s.ends[i]
	if s.chance(6) {
		s.count["lost steps"]++
		s.restart(i)
		return false
	}
	e.Session, e.stored = next, next.State()
	if s.chance(6) {
		s.count["sent again"]++
		s.restart(i)
	}
	return true
}

func (s *schedule) restart(i int) {
	e := s.ends[i]
	restored, err := session.RestoreFrom(e.stored, e.src)
	if err != nil || len(e.stored) > 0 && !bytes.Equal(restored.State(), e.stored) {
		s.fatalf("end %d does not start again: %v", i, err)
	}
	e.Session = restored
}

func (s *schedule) text() string {
	s.said++
	return fmt.Sprintf("text %d of %d", s.said, s.seed)
}

func (s *schedule) ask(i int) {
	e, other := s.ends[i], s.ends[1-i]
	once := crypto.PrekeyPrivate{}
	b := other.bundle(false)
	if s.chance(70) {
		once = crypto.PrekeyPrivate{
			Kind: crypto.PrekeyOneTime, ID: crypto.PrekeyID(100 + s.said), Created: begun, Box: other.src.Box(), KEM: other.src.KEM(),
		}
		other.prekeys = append(other.prekeys, once)
		b.OneTime = other.Sign(once)
	}
	text := s.text()
	data, next, err := session.AskFrom(e.Session, e.local(), b, pad(text), s.now, e.src)
	if err != nil {
		s.fatalf("asking: %v", err)
	}
	e.asked++
	if !s.commit(i, next) {
		return
	}
	if s.chance(10) { // the relay refuses
		s.count["retracted"]++
		for !s.commit(i, e.Retract()) { // a step that is lost comes again with the same bytes
		}
		return
	}
	p := &packet{data: data, text: text, request: true, session: session.Tags(next)[0]}
	e.holds[p.session], e.sealed[p.session] = true, 1
	e.newest[p.session] = -1
	other.coming = append(other.coming, p)
}

func (s *schedule) seal(i int) *packet {
	e := s.ends[i]
	if !e.Begun() {
		return nil
	}
	p := &packet{text: s.text(), session: session.Tags(e.Session)[0]}
	sealed, next, err := session.SealRaw(e.Session, pad(p.text), s.now)
	if err != nil {
		s.fatalf("sealing: %v", err)
	}
	if !s.commit(i, next) {
		return nil // the text is lost; what comes next is sealed anew
	}
	p.data, p.number = sealed, e.sealed[p.session]
	e.sealed[p.session]++
	s.ends[1-i].coming = append(s.ends[1-i].coming, p)
	return p
}

// deliver takes one of the packets that come to an end: the first, or any.
func (s *schedule) deliver(i int) {
	e := s.ends[i]
	if len(e.coming) == 0 {
		return
	}
	at := 0
	if s.chance(30) {
		at = s.rng.IntN(len(e.coming))
	}
	p := e.coming[at]
	switch {
	case s.chance(8):
		s.corrupt(e, p)
		return
	case !p.request && s.chance(8):
		s.count["dropped"]++
	case !s.take(i, p) || s.chance(12):
		return // it comes again: the step was not written, or the ack was lost
	}
	e.coming = append(e.coming[:at:at], e.coming[at+1:]...)
}

// corrupt hands over a copy with a bit flipped, or cut.
func (s *schedule) corrupt(e *end, p *packet) {
	s.count["corrupted"]++
	b := bytes.Clone(p.data)
	if s.chance(80) {
		b[s.rng.IntN(len(b))] ^= 1 << s.rng.IntN(8)
	} else {
		b = b[:s.rng.IntN(len(b))]
	}
	if p.request {
		e.refusesRequest(s.t, fmt.Sprintf("seed %d: a corrupted request", s.seed), b)
	} else {
		e.refuses(s.t, fmt.Sprintf("seed %d: a corrupted message", s.seed), b)
	}
	if s.t.Failed() {
		s.fatalf("stopped")
	}
}

// take opens a packet and compares with what the oracle knows. It tells
// whether the step was written.
func (s *schedule) take(i int, p *packet) (written bool) {
	if p.request {
		return s.takeRequest(i, p)
	}
	e := s.ends[i]
	if !e.holds[p.session] || p.opened {
		if p.opened {
			s.count["copies"]++
		} else {
			s.count["of no session"]++
		}
		if e.refuses(s.t, fmt.Sprintf("seed %d: %q", s.seed, p.text), p.data); s.t.Failed() {
			s.fatalf("stopped: opened before: %v", p.opened)
		}
		return p.opened // one of a session that may yet come is kept
	}
	o, next, err := e.Open(p.data, s.now)
	if err != nil || string(o.Text) != p.text {
		s.fatalf("end %d: got %q, %v, want %q", i, o.Text, err, p.text)
	}
	skipped := max(0, p.number-e.newest[p.session]-1)
	if o.Skipped != skipped {
		s.fatalf("end %d: %d are said to be skipped before %q, not %d", i, o.Skipped, p.text, skipped)
	}
	if !s.commit(i, next) {
		return false
	}
	p.opened = true
	s.count["opened"]++
	s.count["skipped"] += skipped
	if p.number < e.newest[p.session] {
		s.count["late"]++
	}
	if p.data[2]&2 != 0 { // the answer's flag
		s.count["KEM answers"]++
	}
	e.newest[p.session] = max(e.newest[p.session], p.number)
	return true
}

func (s *schedule) takeRequest(i int, p *packet) (written bool) {
	e := s.ends[i]
	_, ephemeral, ok := session.EphemeralOf(p.data)
	if !ok {
		s.fatalf("no ephemeral key")
	}
	r, err := session.AnswerFrom(e.local(), e, p.data, s.now, e.src)
	if e.seen[ephemeral] {
		if s.count["copies"]++; !p.opened || err == nil && r.OneTime != 0 {
			s.fatalf("a copy with one-time prekey %d: %v", r.OneTime, err)
		}
		return true // dropped
	}
	if err != nil || string(r.Text) != p.text || r.Ephemeral != ephemeral || p.opened {
		s.fatalf("end %d: request: got %q, %v, want %q", i, r.Text, err, p.text)
	}
	if !s.commit(i, e.Join(e.local(), r)) {
		return false
	}
	for j := range e.prekeys {
		if e.prekeys[j].ID == r.OneTime {
			e.prekeys = append(e.prekeys[:j:j], e.prekeys[j+1:]...)
			break
		}
	}
	if e.asked > 0 && s.ends[1-i].asked > 0 {
		s.count["crossed"]++
	}
	e.seen[ephemeral], e.holds[p.session], e.newest[p.session], p.opened = true, true, 0, true
	s.count["opened"]++
	return true
}

// settle brings what is still on its way, in any order, and then lets each
// say something that comes at once.
func (s *schedule) settle() {
	if !s.ends[0].Begun() && !s.ends[1].Begun() && len(s.ends[0].coming)+len(s.ends[1].coming) == 0 {
		for s.ends[0].asked = 0; len(s.ends[1].coming) == 0; {
			s.ask(0) // all before was refused or never written
		}
	}
	for i, e := range s.ends {
		s.rng.Shuffle(len(e.coming), func(a, b int) { e.coming[a], e.coming[b] = e.coming[b], e.coming[a] })
		for _, p := range e.coming { // the relay loses no request
			for p.request && !s.take(i, p) {
			}
		}
		for _, p := range e.coming {
			for !p.request && s.chance(80) && e.holds[p.session] && !s.take(i, p) {
			}
		}
		e.coming = nil
	}
	first := s.rng.IntN(2)
	for round := range 3 {
		for _, from := range []int{first, 1 - first} {
			var p *packet
			for p = s.seal(from); p == nil; p = s.seal(from) {
			}
			for !s.take(1-from, p) {
			}
		}
		one, two := session.Tags(s.ends[0].Session)[0], session.Tags(s.ends[1].Session)[0]
		if one != two {
			s.fatalf("round trip %d brings them to %x and %x", round+1, one, two)
		}
	}
}
