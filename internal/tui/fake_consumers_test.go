package tui

import (
	"context"

	"secure-messaging/pkg/client"
)

// No screen is a consumer.

func (f *fake) Consumers(context.Context) ([]client.Consumer, error) { return nil, f.failing }

func (f *fake) Ack(context.Context, string, int64) error { return f.failing }

func (f *fake) DropConsumer(context.Context, string) error { return f.failing }
