package client

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Consumer is a named reader of an account, a bot for example, and how far it has
// come. Each has its own place; none takes a message from another.
type Consumer struct {
	Name   string    `json:"name"`   // 1 to MaxConsumerName of a-z, 0-9, _ and -
	Cursor int64     `json:"cursor"` // of the last message that it has handled; 0 for none
	At     time.Time `json:"at"`     // when it has said so last
}

// Limits of consumers.
const (
	MaxConsumers    = 100 // of one account: each is a bot that somebody set up
	MaxConsumerName = 32  // bytes
)

// Consumers implements Account.
func (c *Client) Consumers(context.Context) ([]Consumer, error) { return c.store.Consumers() }

// Ack implements Account.
func (c *Client) Ack(_ context.Context, consumer string, cursor int64) error {
	if !isPlainName(consumer, MaxConsumerName) {
		return &Error{Code: CodeUsage, Text: fmt.Sprintf("%q is no name of a consumer: it is 1 to %d of a-z, 0-9, _ and -.", consumer, MaxConsumerName)}
	}
	if cursor < 0 {
		return &Error{Code: CodeUsage, Text: fmt.Sprintf("%d is no cursor: they are 0 and above.", cursor)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := c.store.Consumers()
	if err != nil {
		return err
	}
	if len(all) >= MaxConsumers && !slices.ContainsFunc(all, func(o Consumer) bool { return o.Name == consumer }) {
		return &Error{Code: CodeUsage, Text: fmt.Sprintf("There are %d consumers already, which is the most. Forget one that has gone: chat consumers --forget NAME", MaxConsumers)}
	}
	return c.store.Ack(consumer, cursor, time.Now())
}

// DropConsumer implements Account.
func (c *Client) DropConsumer(_ context.Context, consumer string) error {
	all, err := c.store.Consumers()
	if err == nil && !slices.ContainsFunc(all, func(o Consumer) bool { return o.Name == consumer }) {
		err = &Error{Code: CodeNotFound, Text: fmt.Sprintf("There is no consumer %q. See: chat consumers", consumer)}
	}
	if err != nil {
		return err
	}
	return c.store.DropConsumer(consumer)
}
