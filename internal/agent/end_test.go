package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"secure-messaging/pkg/client"
)

func TestOwnerEnds(t *testing.T) {
	waiting := make(chan struct{})
	f := &fake{events: func(ctx context.Context, _ uint64) (client.Batch, error) {
		close(waiting)
		<-ctx.Done()
		return client.Batch{}, ctx.Err()
	}}
	o := own(t, f)
	r := o.dial(t)
	returned := make(chan error, 1)
	go func() {
		_, err := r.Events(t.Context(), 1)
		returned <- err
	}()
	<-waiting
	o.end()
	if err := <-returned; !errors.Is(err, client.ErrBusy) || err.Error() != ended().Error() {
		t.Errorf("waiting: %v", err)
	}
	if _, err := r.Status(t.Context()); !errors.Is(err, client.ErrBusy) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := Dial(t.Context(), o.path); !Absent(err) {
		t.Errorf("Dial: %v", err)
	}
}

// Who was attached to one owner goes on with the next, as soon as there is one,
// and no longer than until it closes.
func TestNextOwner(t *testing.T) {
	first := own(t, &fake{answer: someStatus})
	r := first.dial(t)
	if _, err := r.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.end()
	for range 3 {
		if _, err := r.Status(t.Context()); !errors.Is(err, client.ErrBusy) {
			t.Fatalf("between two owners: %v", err)
		}
	}
	<-r.rpc.done // until it is seen that the first has left, calls get lost there
	next := ownAt(t, &fake{answer: someStatus}, first.path)
	if got, err := r.Status(t.Context()); err != nil || got != someStatus {
		t.Fatalf("of the next owner: %+v, %v", got, err)
	}
	r.Close()
	if _, err := r.Status(t.Context()); !errors.Is(err, client.ErrBusy) {
		t.Fatalf("after Close: %v", err)
	}
	if err := next.server.Idle(t.Context()); err != nil {
		t.Errorf("somebody is still attached: %v", err)
	}
}

// A call that is nearly done gets its answer from an owner that is leaving.
func TestOwnerEndsAfterQuickCalls(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	f := &fake{send: func(text string) (client.Message, error) {
		close(began)
		<-finish
		return client.Message{Text: text}, nil
	}}
	o := own(t, f)
	r := o.dial(t)
	type result struct {
		m   client.Message
		err error
	}
	returned := make(chan result, 1)
	go func() {
		m, err := r.Send(context.Background(), "bob", "last words")
		returned <- result{m, err}
	}()
	<-began
	end := make(chan struct{})
	go func() { o.end(); close(end) }()
	for { // until the owner has closed its socket, which it does first
		if _, err := Dial(t.Context(), o.path); Absent(err) {
			break
		}
	}
	close(finish)
	if got := <-returned; got.err != nil || got.m.Text != "last words" {
		t.Errorf("got %+v, %v", got.m, got.err)
	}
	<-end
}

// A call that does not end is cut off, and its caller told.
func TestOwnerEndsSlowCalls(t *testing.T) {
	began := make(chan struct{})
	f := &fake{connect: func(ctx context.Context) (client.Contact, error) {
		close(began)
		<-ctx.Done()
		return client.Contact{}, ctx.Err()
	}}
	o := own(t, f)
	r := o.dial(t)
	returned := make(chan error, 1)
	go func() {
		_, err := r.Connect(t.Context(), "bob", "")
		returned <- err
	}()
	<-began
	o.end()
	if err := <-returned; !errors.Is(err, client.ErrBusy) {
		t.Errorf("got %v", err)
	}
}

func TestOwnerDies(t *testing.T) {
	began := make(chan struct{})
	f := &fake{send: func(string) (client.Message, error) {
		close(began)
		return client.Message{}, nil
	}}
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	dying := &dyingListener{Listener: ln, accepted: make(chan net.Conn, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewServer(f).Serve(ctx, dying) }()
	r, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	conn := <-dying.accepted
	ln.Close() // as the system does for a process that was killed
	conn.Close()
	if _, err := r.Send(t.Context(), "bob", "hi"); !errors.Is(err, client.ErrBusy) {
		t.Errorf("got %v", err)
	}
	cancel()
	<-done
}

// dyingListener gives the test the owner's end of a connection.
type dyingListener struct {
	net.Listener
	accepted chan net.Conn
}

func (l *dyingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted <- conn
	}
	return conn, err
}

func TestIdle(t *testing.T) {
	o := own(t, &fake{})
	if err := o.server.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, b := o.dial(t), o.dial(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.server.Idle(over); !errors.Is(err, context.Canceled) {
		t.Fatalf("two attached: %v", err)
	}
	a.Close()
	if err := o.server.Idle(over); !errors.Is(err, context.Canceled) {
		t.Fatalf("one attached: %v", err)
	}
	idle := make(chan error, 1)
	go func() { idle <- o.server.Idle(t.Context()) }()
	b.Close()
	if err := <-idle; err != nil {
		t.Fatal(err)
	}
}

// An owner that is stopped takes a call and never answers it.
func TestOwnerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs)
		r := &Remote{rpc: newCaller(ours)}
		defer r.Close()

		began := time.Now()
		for name, call := range map[string]func() error{
			"send":   func() error { _, err := r.Send(t.Context(), "bob", "hi"); return err },
			"block":  func() error { return r.Block(t.Context(), "bob") },
			"events": func() error { _, err := r.Events(t.Context(), 0); return err },
		} {
			if err := call(); !errors.Is(err, client.ErrBusy) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if took := time.Since(began); took != 3*answerTimeout {
			t.Errorf("three calls gave up after %v", took)
		}
		// Nothing may happen for long, so whoever follows events waits.
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := r.Events(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("events: %v", err)
		}
		// A file may be large, and its line slow.
		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := r.SaveFile(ctx, 1, "/tmp"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("save_file: %v", err)
		}
	})
}
