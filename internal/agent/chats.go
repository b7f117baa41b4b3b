package agent

import (
	"context"
	"errors"
	"time"

	"secure-messaging/pkg/client"
)

var errUnbuilt = errors.New("not built")

// Reply implements client.Account.
func (r *Remote) Reply(ctx context.Context, cursor int64, text string) (client.Message, error) {
	return client.Message{}, errUnbuilt
}

// Edit implements client.Account.
func (r *Remote) Edit(ctx context.Context, cursor int64, text string) (client.Message, error) {
	return client.Message{}, errUnbuilt
}

// Delete implements client.Account.
func (r *Remote) Delete(ctx context.Context, cursor int64) (client.Message, error) {
	return client.Message{}, errUnbuilt
}

// React implements client.Account.
func (r *Remote) React(ctx context.Context, cursor int64, emoji string) (client.Message, error) {
	return client.Message{}, errUnbuilt
}

// Disappear implements client.Account.
func (r *Remote) Disappear(ctx context.Context, contact string, after time.Duration) (client.Contact, error) {
	return client.Contact{}, errUnbuilt
}

// Typing implements client.Account.
func (r *Remote) Typing(ctx context.Context, contact string) error { return errUnbuilt }

// Settings implements client.Account.
func (r *Remote) Settings(ctx context.Context) (client.Settings, error) {
	return client.Settings{}, errUnbuilt
}

// SetSettings implements client.Account.
func (r *Remote) SetSettings(ctx context.Context, s client.Settings) error { return errUnbuilt }

// Search implements client.Account.
func (r *Remote) Search(ctx context.Context, q client.Search) ([]client.Message, error) {
	return nil, errUnbuilt
}

// Views implements client.Account.
func (r *Remote) Views(ctx context.Context) ([]client.View, error) { return nil, errUnbuilt }

// SetView implements client.Account.
func (r *Remote) SetView(ctx context.Context, v client.View) error { return errUnbuilt }
