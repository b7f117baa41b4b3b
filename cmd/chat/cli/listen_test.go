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

// TestListenFull: a full disk is told once for each time that it fills up, and
// does not end the listening: it may be emptied.
func TestListenFull(t *testing.T) {
	full := client.Status{State: client.Offline, Code: client.CodeStorage, Reason: "the disk is full"}
	over := client.Status{State: client.Offline, Fatal: true, Reason: "logged in elsewhere"}
	q := &quiet{states: []client.Status{{}, full, full, {State: client.Connected}, full, over}}
	var stderr bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&stderr)
	err := new(listener).follow(&call{Account: &owner.Account{Account: q}, ctx: t.Context(), cmd: cmd})
	if !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("it ended with %v", err)
	}
	if got := strings.Count(stderr.String(), full.Reason); got != 2 {
		t.Errorf("told %d times: %q", got, stderr.String())
	}
}
