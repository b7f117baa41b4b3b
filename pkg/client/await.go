package client

import "context"

// Await calls check, and again after every batch of events, until it reports
// true or fails, or ctx ends. The first call comes with no events. *position is
// where to read on in the account's events and is moved along; begin with what
// Events returns for 0, fetched before whatever is waited for can happen.
//
// Events may be lost to a check that is slow (see [Batch]): it looks at the
// account for what it must not miss.
func Await(ctx context.Context, a Account, position *uint64, check func([]Event) (bool, error)) error {
	var events []Event
	for {
		if done, err := check(events); done || err != nil {
			return err
		}
		batch, err := a.Events(ctx, *position)
		if err != nil {
			return err
		}
		*position, events = batch.Next, batch.Events
	}
}
