package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

// quiet is an account in whose history nothing is, which goes through some
// states of the connection.
type quiet struct {
	client.Account
	states []client.Status // the present one first
	warned string          // with the first events
}

func (q *quiet) Contacts(context.Context) ([]client.Contact, error) { return nil, nil }

func (q *quiet) History(context.Context, client.Query) ([]client.Message, error) { return nil, nil }

func (q *quiet) Status(context.Context) (client.Status, error) { return q.states[0], nil }

func (q *quiet) Events(context.Context, uint64) (client.Batch, error) {
	if len(q.states) == 1 {
		return client.Batch{}, errors.New("it waits for ever")
	}
	q.states = q.states[1:]
	events := []client.Event{{Kind: client.StatusChanged, Status: &q.states[0]}}
	if q.warned != "" {
		events = append(events, client.Event{Kind: client.Warned, Warning: q.warned})
		q.warned = ""
	}
	return client.Batch{Events: events, Next: 1}, nil
}

func TestListenTells(t *testing.T) {
	other := client.Status{State: client.Offline, Code: client.CodeKeyChanged, Reason: "another key"}
	again := client.Status{State: client.Connecting, Code: client.CodeKeyChanged, Reason: "another key"}
	over := client.Status{State: client.Offline, Fatal: true, Reason: "logged in elsewhere"}
	q := &quiet{states: []client.Status{{}, other, again, other, {State: client.Connected}, other, over}, warned: "somebody poses"}
	var stderr bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&stderr)
	err := new(listener).follow(&call{Account: &owner.Account{Account: q}, ctx: t.Context(), cmd: cmd})
	if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), over.Reason) {
		t.Errorf("it ended with %v", err)
	}
	if got := strings.Count(stderr.String(), other.Reason); got != 2 {
		t.Errorf("told %d times of another key: %q", got, stderr.String())
	}
	if got := strings.Count(stderr.String(), "somebody poses"); got != 1 {
		t.Errorf("warned %d times: %q", got, stderr.String())
	}
}

// TestListenGoesOn: what a person has to look into is told once for each time that
// it begins, and does not end the listening: a full disk may be emptied, and who is
// suspended let in again.
func TestListenGoesOn(t *testing.T) {
	for _, out := range []client.Status{
		{State: client.Offline, Code: client.CodeStorage, Reason: "the disk is full"},
		{State: client.Offline, Code: client.CodeRefused, Reason: "suspended"},
	} {
		over := client.Status{State: client.Offline, Fatal: true, Reason: "logged in elsewhere"}
		q := &quiet{states: []client.Status{{}, out, out, {State: client.Connected}, out, over}}
		var stderr bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetErr(&stderr)
		err := new(listener).follow(&call{Account: &owner.Account{Account: q}, ctx: t.Context(), cmd: cmd})
		if !errors.Is(err, client.ErrUnreachable) {
			t.Errorf("%s: it ended with %v", out.Reason, err)
		}
		if got := strings.Count(stderr.String(), out.Reason); got != 2 {
			t.Errorf("%s: told %d times: %q", out.Reason, got, stderr.String())
		}
	}
}
