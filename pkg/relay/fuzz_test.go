package relay

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// memory is the smallest store that keeps its promises: users, prekeys,
// relations and mailboxes in maps. It serves tests inside the package, which cannot import
// the real one.
type memory struct {
	users     map[crypto.Username]crypto.Certificate
	relations map[Pair]Relation
	stocks    map[crypto.Address]*memoryStock
	boxes     map[crypto.Address][]Stored
	seq       uint64
}

// memoryStock is what a device has left, and the highest one-time id it had.
type memoryStock struct {
	signed  RawPrekey
	oneTime []RawPrekey
	highest crypto.PrekeyID
}

func newMemory(users ...crypto.Certificate) *memory {
	m := &memory{
		users: map[crypto.Username]crypto.Certificate{}, relations: map[Pair]Relation{},
		stocks: map[crypto.Address]*memoryStock{}, boxes: map[crypto.Address][]Stored{},
	}
	for _, c := range users {
		m.users[c.User] = c
	}
	return m
}

func (m *memory) CreateUser(ctx context.Context, c crypto.Certificate, signed RawPrekey) error {
	if _, ok := m.users[c.User]; ok {
		return ErrExists
	}
	m.users[c.User] = c
	return m.AddPrekeys(ctx, c.Address(), signed, nil)
}

func (m *memory) ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed RawPrekey) error {
	if m.users[c.User].Hash() != before.Hash() {
		return ErrConflict
	}
	m.users[c.User] = c
	delete(m.stocks, before.Address())
	return m.AddPrekeys(ctx, c.Address(), signed, nil)
}

func (m *memory) stock(owner crypto.Address) *memoryStock {
	if m.stocks[owner] == nil {
		m.stocks[owner] = &memoryStock{}
	}
	return m.stocks[owner]
}

func (m *memory) AddPrekeys(_ context.Context, owner crypto.Address, signed RawPrekey, oneTime []RawPrekey) error {
	x := m.stock(owner)
	if signed.ID > x.signed.ID {
		x.signed = signed
	}
	for _, p := range oneTime {
		if p.ID > x.highest && len(x.oneTime) < protocol.MaxPrekeyStock {
			x.oneTime, x.highest = append(x.oneTime, p), p.ID
		}
	}
	return nil
}

func (m *memory) Prekeys(_ context.Context, owner crypto.Address) (PrekeyStock, error) {
	x := m.stock(owner)
	s := PrekeyStock{Signed: x.signed, Left: len(x.oneTime)}
	if s.Left > 0 {
		s.OneTime = x.oneTime[0]
	}
	return s, nil
}

func (m *memory) TakePrekey(_ context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	x := m.stock(owner)
	for i, p := range x.oneTime {
		if p.ID == id {
			x.oneTime = append(x.oneTime[:i:i], x.oneTime[i+1:]...)
			return nil
		}
	}
	return ErrConflict
}

func (m *memory) User(_ context.Context, name crypto.Username) (crypto.Certificate, error) {
	if c, ok := m.users[name]; ok {
		return c, nil
	}
	return crypto.Certificate{}, ErrNotFound
}

func (m *memory) Relation(_ context.Context, p Pair) (Relation, error) { return m.relations[p], nil }

func (m *memory) SetRelation(_ context.Context, p Pair, r Relation) error {
	if m.relations[p].Version != r.Version {
		return ErrConflict
	}
	r.Version++
	m.relations[p] = r
	return nil
}

func (m *memory) Append(_ context.Context, ds []Delivery) (Appended, error) {
	a := Appended{Wait: func() error { return nil }}
	for _, d := range ds {
		m.seq++
		m.boxes[d.To] = append(m.boxes[d.To], Stored{m.seq, d.Entry})
		a.Seqs = append(a.Seqs, m.seq)
	}
	return a, nil
}

func (m *memory) Read(_ context.Context, owner crypto.Address, after uint64, max, _ int) (out []Stored, _ error) {
	for _, e := range m.boxes[owner] {
		if e.Seq > after && len(out) < max {
			out = append(out, e)
		}
	}
	return out, nil
}

func (m *memory) Delete(_ context.Context, owner crypto.Address, upTo uint64) error {
	box := m.boxes[owner]
	for len(box) > 0 && box[0].Seq <= upTo {
		box = box[1:]
	}
	m.boxes[owner] = box
	return nil
}

func (m *memory) Expired(_ context.Context, _ crypto.Address, _ protocol.UnixMilli, _ int) (owner crypto.Address, entries []Stored, err error) {
	return owner, nil, nil // nothing here gets old
}

func (m *memory) Ready(context.Context) error { return nil }

func testCertificate(relay crypto.RelayPublic, name string) crypto.Certificate {
	return certificateOf(crypto.NewDevicePrivate(), relay, name)
}

func certificateOf(device crypto.DevicePrivate, relay crypto.RelayPublic, name string) crypto.Certificate {
	return crypto.NewCertificate(crypto.NewAccountPrivate(), crypto.Certificate{
		Relay: relay, User: crypto.Username(name), Device: crypto.DeviceID{1, 2, 3, 4, 5, 6, 7, 8},
		Login: device.Public(), Box: crypto.NewBoxPrivate().Public(), Created: time.Unix(1, 0),
	})
}

// testStock makes a signed and two one-time prekeys.
func testStock(owner crypto.Certificate, device crypto.DevicePrivate) []crypto.Prekey {
	sign := func(kind crypto.PrekeyKind, id crypto.PrekeyID) crypto.Prekey {
		return crypto.NewPrekey(kind, id, time.Unix(1, 0)).Sign(owner, device)
	}
	return []crypto.Prekey{sign(crypto.PrekeySigned, 1), sign(crypto.PrekeyOneTime, 2), sign(crypto.PrekeyOneTime, 3)}
}

// seeds are one of each frame that a client may send, and what is none.
func seeds(me, other crypto.Address, mine []crypto.Prekey) []string {
	signed, first, second := protocol.RawPrekey(mine[0].Raw()), protocol.RawPrekey(mine[1].Raw()), protocol.RawPrekey(mine[2].Raw())
	id := crypto.MessageID{1}
	frames := []protocol.Frame{
		&protocol.Authenticate{Address: me, Host: "localhost", Nonce: crypto.Nonce{1}, Signature: crypto.Signature{1}},
		&protocol.PublishPrekeys{ID: id, Signed: signed, OneTime: []protocol.RawPrekey{first, second}},
		&protocol.PublishPrekeys{ID: id, Signed: first, OneTime: []protocol.RawPrekey{signed}},
		&protocol.FetchPrekeys{ID: id, Target: other.User},
		&protocol.FetchPrekeys{ID: id, Target: me.User},
		&protocol.ConnectRequest{ID: id, Target: other, Data: []byte("x")},
		&protocol.ConnectRequest{ID: id, Target: me, Data: []byte("x")},
		&protocol.AcceptConnection{ID: id, Target: other, Data: []byte("x")},
		&protocol.RejectConnection{ID: id, Target: other.User},
		&protocol.Block{ID: id, Target: other.User},
		&protocol.SendMessage{ID: id, Recipients: []crypto.Address{other, me}, EncryptedData: []protocol.Sealed{[]byte("x"), []byte("y")}},
		&protocol.Ack{Seq: 1}, &protocol.Ack{Seq: 2}, &protocol.Ack{Seq: 1 << 50},
	}
	out := []string{"", "{}", "null", `{"type":"x"}`, "{\"type\":\"\xff\"}", `{"type":"ack","seq":1,"seq":1}`}
	for _, f := range frames {
		out = append(out, string(protocol.Encode(f)))
	}
	return out
}

// FuzzHandle throws frames at a peer that has logged in. Whatever they are, the
// relay answers with frames that a client can read, says nothing to others but
// what their contacts may, and keeps the window consistent.
func FuzzHandle(f *testing.F) {
	public := crypto.NewRelayPrivate().Public()
	myDevice, otherDevice := crypto.NewDevicePrivate(), crypto.NewDevicePrivate()
	me, other := certificateOf(myDevice, public, "alice"), certificateOf(otherDevice, public, "bob")
	stock := testStock(other, otherDevice)
	all := seeds(me.Address(), other.Address(), testStock(me, myDevice))
	for _, s := range all {
		f.Add(s, s)
		f.Add(all[len(all)-4], s)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		r, store := testRelay(me, other)
		if err := store.AddPrekeys(r.ctx, other.Address(), rawPrekey(stock[0]), []RawPrekey{rawPrekey(stock[1]), rawPrekey(stock[2])}); err != nil {
			t.Fatal(err)
		}
		c, _ := testConn(t, r, me.Address())
		c.numbered = 1
		c.launch(flying{number: 1, place: 1, kind: KindMessage, from: other.Address(), id: crypto.MessageID{9}})
		store.seq = 1
		for _, frame := range []string{first, second} {
			c.handle([]byte(frame))
		}
		c.letGo()
		c.settled.Wait()
		if c.why != nil {
			t.Errorf("two frames have closed the connection: %s", c.why.text)
		}
		handedOut := 0
		for _, b := range messages(t, c.out) {
			switch f, err := protocol.DecodeFromRelay(b); f := f.(type) {
			case *protocol.Error, *protocol.Receipt:
			case *protocol.Prekeys:
				handedOut++
				if f.Certificate.Hash() != other.Hash() || string(f.Signed) != string(stock[0].Raw()) || string(f.OneTime) != string(stock[handedOut].Raw()) {
					t.Errorf("not the next prekeys of bob: %s", b)
				}
			default:
				t.Errorf("answered by %s: %v", b, err)
			}
		}
		if n := len(store.stock(other.Address()).oneTime); n != 2-handedOut {
			t.Errorf("bob has %d prekeys left, %d were handed out", n, handedOut)
		}
		mine := store.stock(me.Address())
		for _, p := range append([]RawPrekey{mine.signed}, mine.oneTime...) {
			if _, err := crypto.ParsePrekey(p.Raw, me); err != nil && p.ID != 0 {
				t.Errorf("prekey %d was stored, and alice has not signed it", p.ID)
			}
		}
		contacts := store.relations[PairOf("alice", "bob")].Accepted
		for _, e := range store.boxes[other.Address()] {
			if e.Kind == KindMessage && !contacts || e.From != me.Address() {
				t.Errorf("bob got an entry of kind %d from %s", e.Kind, e.From)
			}
			if e.Kind == KindReceipt && (e.ID != crypto.MessageID{9} || c.flight.len() != 0) {
				t.Error("bob got a receipt for what was not acked")
			}
		}
		if contacts {
			t.Error("alice has made bob a contact by herself")
		}
	})
}

// messages splits what is queued for a WebSocket.
func messages(t *testing.T, out []byte) (texts [][]byte) {
	t.Helper()
	for len(out) > 0 {
		header, n := 2, int(out[1])
		switch {
		case out[0] != finalText || n > 127:
			t.Fatalf("no text message: % x", out[:2])
		case n == 126:
			header, n = 4, int(binary.BigEndian.Uint16(out[2:]))
		case n == 127:
			header, n = 10, int(binary.BigEndian.Uint64(out[2:]))
		}
		texts = append(texts, out[header:header+n])
		out = out[header+n:]
	}
	return texts
}

func TestFuzzSeeds(t *testing.T) {
	good := 0
	device := crypto.NewDevicePrivate()
	me := certificateOf(device, crypto.NewRelayPrivate().Public(), "alice")
	for _, s := range seeds(me.Address(), crypto.Address{User: "bob"}, testStock(me, device)) {
		if _, err := protocol.DecodeFromClient([]byte(s)); err == nil {
			good++
		}
	}
	if good != 14 {
		t.Errorf("%d seeds are frames", good)
	}
}
