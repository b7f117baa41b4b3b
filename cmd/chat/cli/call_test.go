package cli

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

// stopped is an account whose owner takes calls and does not answer.
type stopped struct{ client.Account }

func (stopped) Status(ctx context.Context) (client.Status, error) {
	<-ctx.Done()
	return client.Status{}, ctx.Err()
}

func (stopped) Events(ctx context.Context, _ uint64) (client.Batch, error) {
	<-ctx.Done()
	return client.Batch{}, ctx.Err()
}

func TestTimeoutHoldsForAStoppedOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &call{Account: &owner.Account{Account: stopped{}}, ctx: t.Context(), cmd: &cobra.Command{}}
		began := time.Now()
		err := c.until(time.Minute, func() (bool, error) { return false, nil })
		if !errors.Is(err, client.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != time.Minute+lateTime {
			t.Errorf("it took %v", took)
		}
	})
}

// warning is an account of which something was said since the last batch.
type warning struct{ client.Account }

func (warning) Events(_ context.Context, after uint64) (client.Batch, error) {
	if after != 1 {
		return client.Batch{Next: 2}, nil
	}
	return client.Batch{Events: []client.Event{{Kind: client.Warned, Warning: "it was refused"}}, Next: 2}, nil
}

func TestUntilHearsOut(t *testing.T) {
	var stderr bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&stderr)
	c := &call{Account: &owner.Account{Account: warning{}}, ctx: t.Context(), cmd: cmd, next: 1}
	if err := c.until(time.Minute, func() (bool, error) { return true, nil }); err != nil {
		t.Fatal(err)
	}
	if got := stderr.String(); got != "warning: it was refused\n" || c.next != 2 {
		t.Errorf("%q was printed, next is %d", got, c.next)
	}
}
