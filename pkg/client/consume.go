package client

import (
	"context"
	"slices"
)

// Consume calls handle with every message that others write, in order, as a named
// consumer (see Account.Ack), until ctx ends or handle fails, whose error it
// returns. A message for which handle has returned nil is acked. One for which it
// has not, for whatever reason, comes again the next time. A consumer that is new
// begins with what comes from now on.
func Consume(ctx context.Context, a Account, consumer string, handle func(Message) error) error {
	began, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	cursor, err := placeOf(ctx, a, consumer)
	if err != nil {
		return err
	}
	position := began.Next
	return Await(ctx, a, &position, func([]Event) (bool, error) {
		for {
			after := cursor
			if after == 0 {
				after = FromStart
			}
			ms, err := a.History(ctx, Query{After: after, Limit: MaxLimit, Incoming: true})
			if err != nil {
				return false, err
			}
			for _, m := range ms {
				if err := handle(m); err != nil {
					return false, err
				}
				if err := a.Ack(ctx, consumer, m.Cursor); err != nil {
					return false, err
				}
				cursor = m.Cursor
			}
			if len(ms) < MaxLimit {
				return false, nil
			}
		}
	})
}

// placeOf returns how far a consumer has come. A new one is put behind what there
// is.
func placeOf(ctx context.Context, a Account, consumer string) (int64, error) {
	all, err := a.Consumers(ctx)
	if err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(all, func(c Consumer) bool { return c.Name == consumer }); i >= 0 {
		return all[i].Cursor, nil
	}
	newest, err := a.History(ctx, Query{Limit: 1})
	var cursor int64
	for _, m := range newest {
		cursor = m.Cursor
	}
	if err == nil {
		err = a.Ack(ctx, consumer, cursor)
	}
	return cursor, err
}
