package client

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
)

func TestConsumers(t *testing.T) {
	keys, first, err := NewKeys(Server{Host: "localhost", Port: "1"}, crypto.NewRelayPrivate().Public(), "alice", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	store := NewMemStore(keys, first)
	store.cursor = 9 // messages that were there
	c, err := New(store)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "CI", "a b", "ci\x00", "é", strings.Repeat("a", MaxConsumerName+1)} {
		if err := c.Ack(t.Context(), name, 1); !errors.Is(err, ErrUsage) {
			t.Errorf("the name %q gives %v", name, err)
		}
	}
	if err := c.Ack(t.Context(), "ci", -1); !errors.Is(err, ErrUsage) {
		t.Errorf("a place in front of all: %v", err)
	}
	if err := c.Ack(t.Context(), "ci", 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("a place behind all: %v", err)
	}
	for i := range MaxConsumers {
		if err := c.Ack(t.Context(), fmt.Sprintf("bot_%d-x", i), 9); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Ack(t.Context(), "one_more", 1); !errors.Is(err, ErrUsage) {
		t.Errorf("one more gives %v", err)
	}
	if err := c.Ack(t.Context(), "bot_7-x", 9); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	if err := c.DropConsumer(t.Context(), "bot_7-x"); err != nil {
		t.Error(err)
	}
	if err := c.DropConsumer(t.Context(), "bot_7-x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("dropped twice: %v", err)
	}
	if all, err := c.Consumers(t.Context()); len(all) != MaxConsumers-1 || err != nil {
		t.Errorf("%d are left, %v", len(all), err)
	}
}
