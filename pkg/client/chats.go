package client

import (
	"context"
	"errors"
	"time"
)

// errUnbuilt stands where the next commits build.
var errUnbuilt = errors.New("not built")

// Reply implements Account.
func (c *Client) Reply(_ context.Context, cursor int64, text string) (Message, error) {
	return Message{}, errUnbuilt
}

// Edit implements Account.
func (c *Client) Edit(_ context.Context, cursor int64, text string) (Message, error) {
	return Message{}, errUnbuilt
}

// Delete implements Account.
func (c *Client) Delete(_ context.Context, cursor int64) (Message, error) {
	return Message{}, errUnbuilt
}

// React implements Account.
func (c *Client) React(_ context.Context, cursor int64, emoji string) (Message, error) {
	return Message{}, errUnbuilt
}

// Disappear implements Account.
func (c *Client) Disappear(_ context.Context, contact string, after time.Duration) (Contact, error) {
	return Contact{}, errUnbuilt
}

// Typing implements Account.
func (c *Client) Typing(_ context.Context, contact string) error { return errUnbuilt }

// Settings implements Account.
func (c *Client) Settings(context.Context) (Settings, error) { return Settings{}, errUnbuilt }

// SetSettings implements Account.
func (c *Client) SetSettings(_ context.Context, s Settings) error { return errUnbuilt }

// Search implements Account.
func (c *Client) Search(_ context.Context, q Search) ([]Message, error) { return nil, errUnbuilt }

// Views implements Account.
func (c *Client) Views(context.Context) ([]View, error) { return nil, errUnbuilt }

// SetView implements Account.
func (c *Client) SetView(_ context.Context, v View) error { return errUnbuilt }
