package agent

import (
	"context"

	"secure-messaging/pkg/client"
)

// Consumers implements client.Account.
func (r *Remote) Consumers(ctx context.Context) ([]client.Consumer, error) {
	return ask[[]client.Consumer](ctx, r, "consumers", none{})
}

// Ack implements client.Account.
func (r *Remote) Ack(ctx context.Context, consumer string, cursor int64) error {
	return tell(ctx, r, "ack", consumerParams{consumer, cursor})
}

// DropConsumer implements client.Account.
func (r *Remote) DropConsumer(ctx context.Context, consumer string) error {
	return tell(ctx, r, "drop_consumer", consumerParams{Consumer: consumer})
}
