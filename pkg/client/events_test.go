package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func warned(n int) Event { return Event{Kind: Warned, Warning: fmt.Sprint(n)} }

// begin reads where a log is now.
func begin(t *testing.T, l *eventLog) uint64 {
	t.Helper()
	b, err := l.after(t.Context(), 0)
	if err != nil || len(b.Events) != 0 || b.Lagged {
		t.Fatalf("got %+v, %v", b, err)
	}
	return b.Next
}

func TestEventsInOrder(t *testing.T) {
	const total = 3 * MaxEvents
	l := newEventLog(time.Now())
	after := begin(t, l)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			last := -1
			for pos := after; last < total-1; {
				b, err := l.after(t.Context(), pos)
				if err != nil {
					t.Error(err)
					return
				}
				if b.Lagged && len(b.Events) > 0 || !b.Lagged && b.Next != pos+uint64(len(b.Events)) {
					t.Errorf("after %d: %d events, next %d, lagged %v", pos, len(b.Events), b.Next, b.Lagged)
					return
				}
				if b.Lagged {
					last = int(b.Next-after) - 1
				}
				for _, e := range b.Events {
					if last++; e.Warning != fmt.Sprint(last) {
						t.Errorf("got event %s, want %d", e.Warning, last)
						return
					}
				}
				pos = b.Next
			}
		})
	}
	for n := range total {
		l.publish(warned(n))
	}
	readers.Wait()
}

func TestEventsLag(t *testing.T) {
	l := newEventLog(time.Now())
	start := begin(t, l)
	for n := range 2 * MaxEvents {
		l.publish(warned(n))
	}
	if len(l.events) < MaxEvents || len(l.events) > MaxEvents+MaxEvents/4 {
		t.Errorf("%d events are remembered", len(l.events))
	}
	now := begin(t, l)
	for name, after := range map[string]uint64{"behind": start, "of a later owner": now + 1} {
		if b, err := l.after(t.Context(), after); err != nil || !b.Lagged || b.Next != now || len(b.Events) != 0 {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	if b, err := l.after(t.Context(), now-MaxEvents); err != nil || b.Lagged || b.Events[0].Warning != fmt.Sprint(MaxEvents) {
		t.Errorf("the last %d: %d events, %v", MaxEvents, len(b.Events), err)
	}
}

// A reader who comes from an owner that has ended learns that it has missed
// something, however little has happened since.
func TestEventsOfAnotherLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := newEventLog(time.Now())
		for n := range 1000 {
			before.publish(warned(n))
		}
		old := begin(t, before)
		time.Sleep(10 * time.Millisecond) // as a restart takes at least
		l := newEventLog(time.Now())
		for n := range 2000 {
			l.publish(warned(n))
		}
		if b, err := l.after(t.Context(), old); err != nil || !b.Lagged {
			t.Errorf("got %d events, %v", len(b.Events), err)
		}
	})
}

// What is remembered, and what one batch holds, is bounded by its text.
func TestEventsOfLongTexts(t *testing.T) {
	l := newEventLog(time.Now())
	start := begin(t, l)
	text := strings.Repeat("\x01", MaxText)
	for range MaxEvents {
		l.publish(Event{Kind: MessageAdded, Message: &Message{Text: text}})
	}
	held := 0
	for i := range l.events {
		held += l.events[i].text()
	}
	if held != l.text || held > maxEventText || held < maxEventText/2 {
		t.Errorf("%d bytes are remembered, counted as %d", held, l.text)
	}
	if b, err := l.after(t.Context(), start); err != nil || !b.Lagged {
		t.Errorf("behind: %v, %v", b.Lagged, err)
	}
	b, err := l.after(t.Context(), begin(t, l)-100)
	if err != nil || len(b.Events) != maxBatchText/MaxText {
		t.Errorf("%d events in a batch, %v", len(b.Events), err)
	}
}

// The greatest batch fits the 4 MiB of a line of the agent's protocol.
func TestGreatestBatch(t *testing.T) {
	l := newEventLog(time.Now())
	after := begin(t, l)
	far := sane(1 << 60)
	name := strings.Repeat("a", 32)
	for i := range maxBatch {
		m := &Message{
			Cursor: 1 << 62, ID: name, Contact: name, From: name, Type: name, SentAt: far, At: far,
			State: Delivered, Reason: strings.Repeat("r", 350), Unread: true,
		}
		switch n := maxBatch - 1 - i; {
		case n < maxBatchText/MaxText:
			m.Text = strings.Repeat("\x01", MaxText)
		case n == maxBatch-1:
			m.Text = strings.Repeat("\x01", MaxText-1)
		}
		l.publish(Event{Kind: MessageChanged, Message: m})
	}
	b, err := l.after(t.Context(), after)
	if err != nil || len(b.Events) != maxBatch {
		t.Fatalf("%d events, %v", len(b.Events), err)
	}
	line, err := json.Marshal(b)
	if err != nil || len(line) > 4<<20-1<<10 || len(line) < 1<<20 {
		t.Errorf("%d bytes, %v", len(line), err)
	}
}

func TestEventsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newEventLog(time.Now())
		after := begin(t, l)
		waiting := make(chan error)
		go func() {
			_, err := l.after(context.Background(), after)
			waiting <- err
		}()
		synctest.Wait()
		l.end(ErrBusy)
		l.end(ErrTaken)
		if err := <-waiting; err != ErrBusy {
			t.Errorf("waiting: %v", err)
		}
		if _, err := l.after(t.Context(), 0); err != ErrBusy {
			t.Errorf("afterwards: %v", err)
		}

		l = newEventLog(time.Now())
		after = begin(t, l)
		l.publish(warned(0))
		l.end(ErrBusy)
		b, err := l.after(t.Context(), after)
		if err != nil || len(b.Events) != 1 {
			t.Fatalf("the last event: %+v, %v", b, err)
		}
		if _, err := l.after(t.Context(), b.Next); err != ErrBusy {
			t.Errorf("after the last event: %v", err)
		}
	})
}

func TestEventsCancel(t *testing.T) {
	l := newEventLog(time.Now())
	after := begin(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b, err := l.after(ctx, after); !errors.Is(err, context.Canceled) || b.Next != after {
		t.Errorf("got %+v, %v", b, err)
	}
}
