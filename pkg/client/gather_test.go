package client

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// gate is a disk that does its nth commit (from 1) when the test lets it.
type gate struct {
	mu       sync.Mutex
	messages []int             // of each commit
	before   func(n int) error // called in each commit
}

func (g *gate) use(m *MemStore) {
	m.onCommit = func(ch *Changes) error {
		g.mu.Lock()
		g.messages = append(g.messages, len(ch.Messages))
		n, before := len(g.messages), g.before
		g.mu.Unlock()
		return before(n)
	}
}

func (g *gate) commits() []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.messages)
}

// follow collects events until one is the last.
func follow(t *testing.T, c *Client, position uint64, last func(Event) bool) (told []Event) {
	err := Await(t.Context(), c, &position, func(es []Event) (bool, error) {
		told = append(told, es...)
		return slices.ContainsFunc(es, last), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func caughtUp(e Event) bool { return e.Kind == StatusChanged && e.Status.CaughtUp }

// What arrives while the disk is busy is written together, acked together, and
// told one after the other. What is alone waits for nothing.
func TestReceiveTogether(t *testing.T) {
	const burst = inboxFrames - 4
	arrived, acked := make(chan struct{}), make(chan uint64, burst)
	_, store, c := newScript(t, func(l *line) {
		l.login()
		l.send(l.fromBob(1, "alone"))
		acked <- want[*protocol.Ack](l).Seq
		for i := range burst {
			l.send(l.fromBob(uint64(i+2), fmt.Sprint(i)))
		}
		close(arrived)
		go l.send(&protocol.CaughtUp{})
		for f := l.read(); f != nil; f = l.read() {
			acked <- f.(*protocol.Ack).Seq
		}
		close(acked)
	})
	disk := &gate{before: func(n int) error {
		if n == 2 {
			<-arrived
		}
		return nil
	}}
	disk.use(store)
	position, _ := c.Events(t.Context(), 0)
	stop := run(t, c)
	told := follow(t, c, position.Next, caughtUp)
	stop()
	if got := disk.commits(); got[0] != 1 || len(got) > 4 {
		t.Errorf("commits of %v messages", got)
	}
	var acks []uint64
	for a := range acked {
		acks = append(acks, a)
	}
	if !slices.IsSorted(acks) || acks[0] != 1 || acks[len(acks)-1] != burst+1 || len(acks) > 4 {
		t.Errorf("acks %v", acks)
	}
	n, unread := -1, 0
	for _, e := range told {
		switch e.Kind {
		case MessageAdded:
			if want := fmt.Sprint(n); n >= 0 && e.Message.Text != want || e.Message.Cursor != int64(n+2) {
				t.Fatalf("message %d is %+v", n, e.Message)
			}
			n++
		case ContactChanged:
			if unread++; e.Contact.Unread != unread || unread != n+1 {
				t.Fatalf("after message %d, %d are unread", n, e.Contact.Unread)
			}
		}
	}
	if n != burst {
		t.Errorf("told of %d messages before everything had come", n)
	}
}

// Of frames whose transaction fails nothing is shown or acked; they come again.
func TestReceiveTogetherFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const burst = 1 + inboxFrames + 1 // the first, a full inbox, and one that waits for room
		var frames []*protocol.EncryptedMessage
		began, arrived := make(chan struct{}), make(chan struct{})
		_, store, c := newScript(t,
			func(l *line) {
				l.login()
				for i := range burst {
					frames = append(frames, l.fromBob(uint64(i+1), fmt.Sprint(i)))
					l.send(frames[i])
					if i == 0 {
						<-began
					}
				}
				close(arrived)
				l.gone()
			},
			func(l *line) {
				l.login()
				go func() {
					for _, f := range frames {
						l.send(f)
					}
					l.send(&protocol.CaughtUp{})
				}()
				for a := want[*protocol.Ack](l); a != nil && a.Seq < burst; {
					a = want[*protocol.Ack](l)
				}
				l.gone()
			})
		full := &Error{Code: CodeStorage, Text: "The disk is full. Make room."}
		disk := &gate{before: func(n int) error {
			if n == 1 {
				close(began)
				<-arrived
				return full
			}
			return nil
		}}
		disk.use(store)
		position, _ := c.Events(t.Context(), 0)
		run(t, c)
		for _, e := range follow(t, c, position.Next, func(e Event) bool { return e.Kind == StatusChanged && e.Status.State == Offline }) {
			if e.Kind == MessageAdded || e.Kind == StatusChanged && e.Status.State == Offline && e.Status.Reason != full.Text {
				t.Errorf("told of %+v", e)
			}
		}
		follow(t, c, position.Next, caughtUp)
		ms, _ := c.History(t.Context(), Query{Limit: MaxLimit})
		for i, m := range ms {
			if m.Text != fmt.Sprint(i) {
				t.Errorf("message %d is %q", i, m.Text)
			}
		}
		if len(ms) != burst {
			t.Errorf("%d messages", len(ms))
		}
	})
}

// Who sends while the disk is busy shares the next transaction. Each gets its
// own answer, and all leave in the order in which they were written; when the
// transaction fails, everybody hears it, and nothing has happened.
func TestSendTogether(t *testing.T) {
	const senders = 20
	full := &Error{Code: CodeStorage, Text: "The disk is full. Make room."}
	for _, fails := range []bool{false, true} {
		_, store, c := newScript(t)
		began := make(chan struct{})
		disk := &gate{before: func(n int) error {
			if n == 1 {
				close(began)
				for c.jobs.waiting() < 2*(senders-1) {
					runtime.Gosched()
				}
			} else if fails {
				return full
			}
			return nil
		}}
		disk.use(store)
		var wait sync.WaitGroup
		send := func(n int) {
			m, err := c.Send(t.Context(), "bob", fmt.Sprint(n))
			switch {
			case fails && n > 0:
				if !errors.Is(err, full) || m.ID != "" {
					t.Errorf("%d: %+v, %v", n, m, err)
				}
			case err != nil || m.Text != fmt.Sprint(n) || m.Cursor == 0:
				t.Errorf("%d: %+v, %v", n, m, err)
			}
		}
		wait.Go(func() { send(0) })
		<-began
		for n := range senders - 1 {
			wait.Go(func() { send(n + 1) })
			wait.Go(func() {
				if _, err := c.Send(t.Context(), "nobody", "hi"); !errors.Is(err, ErrNotContact) && !fails {
					t.Errorf("%v", err)
				}
			})
		}
		wait.Wait()
		kept := senders
		if fails {
			kept = 1
		}
		if got := disk.commits(); !slices.Equal(got, []int{1, senders - 1}) {
			t.Errorf("commits of %v messages", got)
		}
		ms, _ := c.History(t.Context(), Query{})
		items, _ := store.Outbox(0, MaxOutbox)
		st, _ := c.Status(t.Context())
		if len(ms) != kept || len(items) != kept || st.Waiting != kept {
			t.Fatalf("fails %v: %d messages, %d in the outbox, %+v", fails, len(ms), len(items), st)
		}
		for i, m := range ms {
			if items[i].ID != parseID(t, m.ID) || m.Cursor != int64(i+1) {
				t.Errorf("%d: %q is sent at another place", i, m.Text)
			}
		}
		disk.before = func(int) error { return nil }
		send(0)
	}
}

func (q *jobs) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list)
}

// A long outbox on a slow line does not keep acks from the relay, which would
// take the device for gone.
func TestAckBetweenMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := 0
		_, _, c := newScript(t, func(l *line) {
			l.login()
			l.read()
			began := time.Now()
			l.send(l.fromBob(1, "hello"))
			for f := l.read(); f != nil; f = l.read() {
				if _, ok := f.(*protocol.Ack); ok {
					if took := time.Since(began); took >= protocol.AckTimeout {
						t.Errorf("the ack took %v", took)
					}
					break
				}
				got++
				time.Sleep(5 * time.Second) // the line
			}
			for l.read() != nil {
			}
		})
		for range outboxBatch {
			if _, err := c.Send(t.Context(), "bob", "hi"); err != nil {
				t.Fatal(err)
			}
		}
		run(t, c)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got > 3 {
			t.Errorf("%d messages in front of the ack", got)
		}
	})
}

// Nothing is read beyond what the inbox may hold, and a reader that waits for
// room ends with it.
func TestInbox(t *testing.T) {
	for name, size := range map[string]int{"frames": 1, "bytes": inboxBytes / 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fits := min(inboxFrames, (inboxBytes+size-1)/size)
				in := newInbox()
				put := 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					for put < 3*fits {
						in.put(&protocol.Receipt{ID: crypto.NewMessageID()}, size)
						put++
					}
				}()
				synctest.Wait()
				if put != fits {
					t.Errorf("%d frames before anything was taken, want %d", put, fits)
				}
				if frames, err := in.take(); len(frames) != fits || err != nil {
					t.Errorf("took %d, %v", len(frames), err)
				}
				synctest.Wait()
				if put != 2*fits {
					t.Errorf("%d frames after one was taken", put)
				}
				in.close(ErrStorage)
				in.close(ErrBusy)
				<-done
				if frames, err := in.take(); len(frames) != fits || err != nil {
					t.Errorf("at the end, took %d, %v", len(frames), err)
				}
				if frames, err := in.take(); len(frames) != 0 || err != ErrStorage {
					t.Errorf("after the end, took %d, %v", len(frames), err)
				}
			})
		})
	}
}

// What lies behind a relay's wish to be sent it all again is not looked at: the
// relay will say it again, and what was refused must not be overtaken.
func TestNothingBehindLeaving(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	bob.says(alice, "before")
	bob.says(alice, "behind")
	bob.reconnect()
	slow := &protocol.Error{Code: protocol.CodeRateLimited, Message: "slower"}
	first, _, _ := mail(alice.mailbox[0])
	ack, err := alice.takes(alice.mailbox[0], slow, alice.mailbox[1])
	if texts := alice.texts(bob); err != nil || ack != *first || alice.leave == nil || !slices.Equal(texts, []string{"bob: before"}) {
		t.Errorf("ack %d, %v, leave: %v, %q", ack, err, alice.leave, texts)
	}
}

// What a batch has not written counts as what is written.
func TestHandshakesInABatch(t *testing.T) {
	w := newWorld(t, "alice")
	alice := w.people["alice"]
	key := crypto.NewBoxPrivate().Public()
	b := alice.begin()
	defer b.giveBack()
	b.add(&step{Changes: Changes{AddHandshakes: []Handshake{{1, crypto.NewBoxPrivate().Public()}, {1, key}, {2, key}}}})
	if seen, count, err := alice.stored.Handshakes(1, key); !seen || count != 2 || err != nil {
		t.Errorf("seen %v, %d under the prekey, %v", seen, count, err)
	}
	b.add(&step{Changes: Changes{DropPrekeys: []crypto.PrekeyID{1}}})
	if seen, count, err := alice.stored.Handshakes(1, key); seen || count != 0 || err != nil {
		t.Errorf("under a prekey that is gone: seen %v, %d, %v", seen, count, err)
	}
}

// A relay that numbers its frames backwards is not acked backwards.
func TestAckNeverFalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := newScript(t, func(l *line) {
			l.login()
			l.send(l.fromBob(protocol.MaxNumber, "last"))
			if a := want[*protocol.Ack](l); a.Seq != protocol.MaxNumber {
				t.Errorf("ack %d", a.Seq)
			}
			l.send(l.fromBob(3, "first"))
			l.gone()
		})
		run(t, c)
		if st := status(c); st.State != Connected {
			t.Errorf("%+v", st)
		}
	})
}

// The oldest frame has its time from when it became the oldest: a relay that is
// slow, and answers all, is not left.
func TestOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, other := net.Pipe()
		defer conn.Close()
		defer other.Close()
		o := newOwed(conn)
		ids := make([]crypto.MessageID, 10)
		for i := range ids {
			ids[i] = crypto.NewMessageID()
			o.sent(ids[i])
		}
		receipt := func(id crypto.MessageID) { o.answered(&protocol.Receipt{ID: id}) }
		for i, id := range ids[:8] {
			time.Sleep(lostAfter - time.Second)
			if o.longer(lostAfter) {
				t.Fatalf("frame %d is lost", i)
			}
			if i%2 == 0 {
				receipt(id)
			} else {
				o.answered(&protocol.Error{ID: &id})
			}
		}
		for _, f := range []protocol.Frame{&protocol.Receipt{ID: crypto.NewMessageID()}, &protocol.Error{}, &protocol.CaughtUp{}, &protocol.Receipt{ID: ids[9]}} {
			o.answered(f)
		}
		time.Sleep(lostAfter - time.Millisecond)
		if o.longer(lostAfter) || !o.anything() {
			t.Error("lost too early")
		}
		time.Sleep(time.Millisecond)
		if !o.longer(lostAfter) {
			t.Error("not lost")
		}
		receipt(ids[8])
		receipt(ids[8])
		if o.longer(lostAfter) || o.anything() || len(o.order)+len(o.open) != 0 {
			t.Errorf("with all answered: %+v", o)
		}
	})
}
