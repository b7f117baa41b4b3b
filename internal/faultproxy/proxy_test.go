package faultproxy

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a broken proxy would let a test wait for.
const patience = 10 * time.Second

// relay is the far side: it hands out what connects to it.
func relay(t *testing.T) (addr string, accepted <-chan net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns, ended := make(chan net.Conn), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(conns)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.SetDeadline(time.Now().Add(patience))
			conns <- c
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		for c := range conns { // nobody has fetched it
			c.Close()
		}
		<-ended
	})
	return ln.Addr().String(), conns
}

// start runs a proxy in which every connection has the same fate.
func start(t *testing.T, fate Fate) (*Proxy, <-chan net.Conn) {
	t.Helper()
	addr, accepted := relay(t)
	p, err := Listen(Config{Upstream: addr, Seed: 1, Fate: func(*rand.Rand) Fate { return fate }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, accepted
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// joined gives both ends of a connection through the proxy.
func joined(t *testing.T, p *Proxy, accepted <-chan net.Conn) (client, relay net.Conn) {
	t.Helper()
	client = dial(t, p)
	relay = <-accepted
	t.Cleanup(func() { relay.Close() })
	return client, relay
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if _, err := c.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// end reads to the end and tells what came before it.
func end(t *testing.T, c net.Conn) (before string, err error) {
	t.Helper()
	var b bytes.Buffer
	_, err = io.Copy(&b, c)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Fatal("the connection does not end")
	}
	return b.String(), err
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func TestSoundPassesBothWaysAndEnds(t *testing.T) {
	p, accepted := start(t, Fate{})
	client, relay := joined(t, p, accepted)
	write(t, client, "question")
	expect(t, relay, "question")
	client.(*net.TCPConn).CloseWrite()
	if before, err := end(t, relay); before != "" || err != nil {
		t.Fatalf("the relay sees %q, %v", before, err)
	}
	write(t, relay, "a late answer") // a side that has ended may still hear
	relay.Close()
	if before, err := end(t, client); before != "a late answer" || err != nil {
		t.Fatalf("the client sees %q, %v", before, err)
	}
	if got := p.Counts(); got.Bytes != int64(len("question")+len("a late answer")) || got.Cuts()+got.HalfOpens() != 0 {
		t.Errorf("counts %+v", got)
	}
}

func TestAResetOfOneSideReachesTheOther(t *testing.T) {
	p, accepted := start(t, Fate{})
	client, relay := joined(t, p, accepted)
	reset(client)
	if _, err := end(t, relay); !isReset(err) {
		t.Errorf("the relay sees %v", err)
	}
}

// The connection breaks behind exactly so many bytes, counted over both ways.
func TestCutsAtTheByte(t *testing.T) {
	for _, fault := range []Fault{Finish, Reset} {
		t.Run(fault.String(), func(t *testing.T) {
			p, accepted := start(t, Fate{Fault: fault, After: 10})
			client, relay := joined(t, p, accepted)
			write(t, client, "1234")
			expect(t, relay, "1234")
			write(t, relay, "567")
			expect(t, client, "567")
			write(t, client, "890 and no more")
			before, err := end(t, relay)
			if fault == Finish && (before != "890" || err != nil) {
				t.Errorf("the relay sees %q, %v", before, err)
			}
			// A reset may overtake what is not read yet, never bring more.
			if fault == Reset && (!isReset(err) || before != "890" && before != "") {
				t.Errorf("the relay sees %q, %v", before, err)
			}
			if before, err = end(t, client); before != "" || (fault == Finish) != (err == nil) {
				t.Errorf("the client sees %q, %v", before, err)
			}
			if got := p.Counts(); got.Cuts() != 1 || got.Faults[fault] != 1 {
				t.Errorf("counts %+v", got)
			}
		})
	}
}

func TestSilentOneWayStillPassesTheOther(t *testing.T) {
	for _, fault := range []Fault{SilentUp, SilentDown} {
		t.Run(fault.String(), func(t *testing.T) {
			p, accepted := start(t, Fate{Fault: fault, After: 4, Hold: time.Hour})
			speaker, listener := joined(t, p, accepted)
			if fault == SilentDown {
				speaker, listener = listener, speaker
			}
			write(t, speaker, "1234 into the void")
			expect(t, listener, "1234")
			write(t, listener, "still here?")
			expect(t, speaker, "still here?")
			p.Close() // ends the hour
			if before, err := end(t, listener); before != "" || !isReset(err) {
				t.Errorf("the deaf side sees %q, %v", before, err)
			}
			if got := p.Counts(); got.HalfOpens() != 1 {
				t.Errorf("counts %+v", got)
			}
		})
	}
}

// A client that gives up in silence leaves the relay in the belief that it is
// there.
func TestSilenceHidesTheEnd(t *testing.T) {
	p, accepted := start(t, Fate{})
	client, relay := joined(t, p, accepted)
	write(t, client, "x")
	expect(t, relay, "x")
	if n := p.Strike(Silent, time.Hour); n != 1 {
		t.Fatalf("%d connections were struck", n)
	}
	if n := p.Strike(Reset, 0); n != 0 {
		t.Fatalf("%d connections were struck twice", n)
	}
	client.Close()
	write(t, relay, "nobody takes this")
	p.Close() // ends the hour
	if before, err := end(t, relay); before != "" || !isReset(err) {
		t.Errorf("the relay sees %q, %v", before, err)
	}
}

func TestOrphanStaysOpenToTheRelay(t *testing.T) {
	p, accepted := start(t, Fate{})
	client, old := joined(t, p, accepted)
	write(t, client, "x")
	expect(t, old, "x")
	p.Strike(Orphan, time.Hour)
	if _, err := end(t, client); !isReset(err) {
		t.Errorf("the client sees %v", err)
	}
	again, now := joined(t, p, accepted)
	write(t, again, "back")
	expect(t, now, "back")
	write(t, old, "to the orphan") // it is open
	p.Close()
	if before, err := end(t, old); before != "" || !isReset(err) {
		t.Errorf("the relay sees %q, %v", before, err)
	}
}

// expectTurnedAway wants a reset, be it in the middle of the dial.
func expectTurnedAway(t *testing.T, p *Proxy) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		_, err = end(t, c)
	}
	if !isReset(err) {
		t.Errorf("the client sees %v", err)
	}
}

func TestNobodyIsLetIn(t *testing.T) {
	p, accepted := start(t, Fate{})
	p.TurnAway(time.Hour)
	expectTurnedAway(t, p)
	p.TurnAway(0)
	client, relay := joined(t, p, accepted)
	write(t, client, "in")
	expect(t, relay, "in")
	if got := p.Counts(); got.TurnedAway != 1 || got.Connections != 2 {
		t.Errorf("counts %+v", got)
	}
}

func TestARelayThatIsNotThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	p, err := Listen(Config{Upstream: ln.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	expectTurnedAway(t, p)
	if got := p.Counts(); got.Unreachable != 1 {
		t.Errorf("counts %+v", got)
	}
}

func TestCalm(t *testing.T) {
	p, accepted := start(t, Fate{Fault: Reset, After: 1})
	p.Calm(true)
	client, relay := joined(t, p, accepted)
	write(t, client, "more than one")
	expect(t, relay, "more than one")
	p.Calm(false)
	client, _ = joined(t, p, accepted)
	write(t, client, "x")
	if _, err := end(t, client); !isReset(err) {
		t.Errorf("the client sees %v", err)
	}
}
