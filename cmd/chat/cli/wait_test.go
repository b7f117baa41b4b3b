package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

// journey is an account whose message comes one state further with each event.
type journey struct {
	client.Account
	states []client.MessageState
	status client.Status
	seen   int
}

func (*journey) Contacts(context.Context) ([]client.Contact, error) {
	return []client.Contact{{Name: "bob", State: client.Accepted}}, nil
}

func (*journey) Send(context.Context, string, string) (client.Message, error) {
	return client.Message{ID: "1", Contact: "bob", State: client.Waiting}, nil
}

func (j *journey) Message(context.Context, string) (client.Message, error) {
	m := client.Message{ID: "1", Contact: "bob", State: j.states[j.seen]}
	if m.State == client.Failed {
		m.Reason = "it waited"
	}
	return m, nil
}

func (j *journey) Status(context.Context) (client.Status, error) { return j.status, nil }

func (j *journey) Events(ctx context.Context, after uint64) (client.Batch, error) {
	if j.seen+1 == len(j.states) && after != 0 {
		<-ctx.Done()
		return client.Batch{}, ctx.Err()
	}
	if after != 0 {
		j.seen++
	}
	return client.Batch{Next: after + 1}, nil
}

// A message may be delivered without having been stored, and whoever waits for
// less than that has waited enough. What fails says why.
func TestSendWaits(t *testing.T) {
	const w, s, d, f = client.Waiting, client.Stored, client.Delivered, client.Failed
	slow := client.Status{State: client.Offline, Code: client.CodeRateLimit, Reason: "The relay asks this device to slow down; trying again at 15:04:05.", Waiting: 1}
	connected := client.Status{State: client.Connected}
	for _, tt := range []struct {
		wait   string
		states []client.MessageState
		status client.Status
		want   client.MessageState
		err    error
		text   string
	}{
		{waitQueued, []client.MessageState{w}, connected, w, nil, ""},
		{waitStored, []client.MessageState{w, s, d}, connected, s, nil, ""},
		{waitStored, []client.MessageState{w, d}, connected, d, nil, ""},
		{waitDelivered, []client.MessageState{w, d}, connected, d, nil, ""},
		{waitDelivered, []client.MessageState{w, s, d}, connected, d, nil, ""},
		{waitDelivered, []client.MessageState{w, s}, connected, s, client.ErrTimeout, "bob was not there to take it"},
		{waitDelivered, []client.MessageState{w, s, f}, connected, f, client.ErrRefused, "it waited."},
		{waitStored, []client.MessageState{w}, connected, w, client.ErrTimeout, "What was queued stays queued"},
		{waitStored, []client.MessageState{w}, slow, w, client.ErrRateLimit, "slow down; trying again at 15:04:05.\n1 waiting"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &call{Account: &owner.Account{Account: &journey{states: tt.states, status: tt.status}}, ctx: t.Context(), cmd: &cobra.Command{}}
			c.cmd.SetOut(io.Discard)
			var m client.Message
			err := c.sendTo([]string{"bob"}, tt.wait, time.Minute, false, func(s *sending) error {
				defer func() { m = s.parcels[0].m }()
				return s.content("", "hi", nil)
			})
			if m.State != tt.want || !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("--wait %s, %v: %+v, %v", tt.wait, tt.states, m, err)
			}
		})
	}
}
