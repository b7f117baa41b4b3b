package cli

import (
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
