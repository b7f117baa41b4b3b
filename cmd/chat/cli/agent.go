package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

const (
	// agentLog is where in the profile an agent in the background says why it
	// ended.
	agentLog = "agent.log"
	// agentPause is between two looks whether an agent has come, or gone.
	agentPause = 20 * time.Millisecond
	// agentPatience is how long it may take to: a passphrase takes half a second,
	// and leaving lets commands under way finish.
	agentPatience = 20 * time.Second
)

func (a *app) newAgent() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Keep an account open in the background",
		Long: `Keep an account open in the background: connected, so that messages come in, and unlocked, so
that commands and bots need no passphrase and no time to open the profile.`,
		Example: `  chat agent start
  chat agent unit > ~/.config/systemd/user/chat.service`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(
		&cobra.Command{Use: "start", Short: "Start an agent in the background", Args: cobra.NoArgs, RunE: a.agentStart},
		a.newAgentRun(), a.newAgentStatus(),
		&cobra.Command{Use: "stop", Short: "End the agent", Args: cobra.NoArgs, RunE: a.agentStop},
		a.newAgentUnit(),
	)
	return cmd
}

// attached returns the process that holds a profile, or nil.
func attached(ctx context.Context, ref profile.Ref) (*agent.Remote, error) {
	path, err := profile.SocketPath(ref)
	if err != nil {
		return nil, err
	}
	r, err := agent.Dial(ctx, path)
	if err != nil && agent.Absent(err) {
		return nil, nil
	}
	return r, err
}

// agentStart starts this program once more, as an agent that outlives the
// terminal. The passphrase goes through a pipe.
func (a *app) agentStart(cmd *cobra.Command, _ []string) error {
	defer a.closeTerminal()
	ref, err := a.choose(cmd, profile.Last)
	if err != nil {
		return err
	}
	if r, err := attached(cmd.Context(), ref); err != nil || r != nil {
		return a.heldAlready(cmd, ref, r, err)
	}
	secret, err := a.proven(cmd.Context(), ref)
	if err != nil {
		return err
	}
	defer clear(secret)
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this program cannot be found, to be started again: %w", err)
	}
	log := filepath.Join(ref.Dir, agentLog)
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return &client.Error{Code: client.CodeStorage, Err: err, Text: "The folder of the profile cannot be written: " + ref.Dir}
	}
	defer out.Close()
	child := exec.Command(program, "agent", "run", "--as", ref.Name+"@"+ref.Server, "--passphrase-stdin")
	child.Dir, child.Stdout, child.Stderr, child.SysProcAttr = ref.Dir, out, out, apart()
	in, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		return fmt.Errorf("the agent cannot be started: %w", err)
	}
	in.Write(append(secret, '\n')) // an agent that has not read it says so
	in.Close()
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	err = a.agentCame(cmd, ref, ended, log)
	if cut := cmd.Context().Err(); cut != nil {
		child.Process.Kill() // who interrupts wants none, also one that has just come up
		return cut
	}
	return err
}

// agentCame waits until an agent answers, or has ended.
func (a *app) agentCame(cmd *cobra.Command, ref profile.Ref, ended <-chan error, log string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), agentPatience)
	defer cancel()
	for {
		r, err := attached(ctx, ref)
		if r != nil {
			defer r.Close()
			h, err := r.Holder(ctx)
			if err == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "the agent of %s at %s runs (process %d); chat agent stop ends it\n", ref.Name, ref.Server, h.PID)
			}
			return err
		}
		if err != nil {
			return err
		}
		select {
		case <-time.After(agentPause):
		case <-ctx.Done():
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			return &client.Error{Code: client.CodeTimeout, Text: "The agent has not come up. What it says stands in " + log}
		case <-ended:
			said, _ := os.ReadFile(log)
			return &client.Error{Code: client.CodeBusy, Text: "The agent has ended: " + strings.TrimPrefix(strings.TrimSpace(string(said)), "chat: ")}
		}
	}
}

// heldAlready says who holds a profile that an agent shall hold.
func (a *app) heldAlready(cmd *cobra.Command, ref profile.Ref, r *agent.Remote, err error) error {
	if err != nil {
		return err
	}
	defer r.Close()
	h, err := r.Holder(cmd.Context())
	switch {
	case err != nil:
		return err
	case h.Kind == agent.Agent:
		fmt.Fprintf(cmd.ErrOrStderr(), "the agent of %s at %s runs already (process %d)\n", ref.Name, ref.Server, h.PID)
		return nil
	}
	return &client.Error{Code: client.CodeBusy, Text: fmt.Sprintf("A %s of chat has %s open (process %d). While it does, commands need no passphrase; end it first where an agent shall take its place.", h.Kind, ref.Name, h.PID)}
}

func (a *app) newAgentRun() *cobra.Command {
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Be the agent, in the foreground, as systemd and launchd want it",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&fromStdin, "passphrase-stdin", false, "the first line of standard input is the passphrase")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ref, err := a.choose(cmd, profile.Last)
		if err != nil {
			return err
		}
		passphrase := a.passphrase(ref)
		if fromStdin {
			passphrase = lineOf(cmd.InOrStdin(), ref)
		}
		acc, err := owner.Open(cmd.Context(), ref, passphrase)
		a.closeTerminal()
		if err != nil {
			return err
		}
		return a.beAgent(cmd, acc)
	}
	return cmd
}

// beAgent holds an account until it is asked to leave.
func (a *app) beAgent(cmd *cobra.Command, acc *owner.Account) error {
	if !acc.Owned {
		return errors.Join(&client.Error{Code: client.CodeBusy, Text: "Another chat has " + acc.Ref.Name + " open. See: chat agent status"}, acc.Close(0))
	}
	if err := acc.Registered(); err != nil {
		return errors.Join(err, acc.Close(0))
	}
	acc.Kind = agent.Agent
	if err := acc.Start(); err != nil {
		return errors.Join(err, acc.Close(0))
	}
	select {
	case <-acc.Asked():
	case <-cmd.Context().Done():
	}
	return acc.Close(linger)
}

func (a *app) agentStop(cmd *cobra.Command, _ []string) error {
	ref, err := a.choose(cmd, profile.Last)
	if err != nil {
		return err
	}
	stopped, err := stopAgent(cmd.Context(), ref)
	if err == nil && !stopped {
		fmt.Fprintf(cmd.ErrOrStderr(), "no agent of %s at %s runs\n", ref.Name, ref.Server)
	}
	return err
}

// stopAgent ends the agent of a profile and waits until it has left.
func stopAgent(ctx context.Context, ref profile.Ref) (stopped bool, err error) {
	r, err := attached(ctx, ref)
	if err != nil || r == nil {
		return false, err
	}
	err = r.Leave(ctx)
	r.Close()
	if err != nil {
		return false, err
	}
	patient, cancel := context.WithTimeout(ctx, agentPatience)
	defer cancel()
	for {
		lock, err := profile.Acquire(ref)
		if err == nil {
			lock.Release()
			return true, nil
		}
		if !errors.Is(err, client.ErrBusy) {
			return true, err
		}
		select {
		case <-time.After(agentPause):
		case <-patient.Done():
			if err := ctx.Err(); err != nil {
				return true, err
			}
			return true, &client.Error{Code: client.CodeTimeout, Text: "The agent of " + ref.Name + " was asked to end, and has not yet. See: chat agent status"}
		}
	}
}
