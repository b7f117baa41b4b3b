package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/backup"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

// maxCodeFile bounds the file of a recovery code, in bytes.
const maxCodeFile = 4 << 10

func (a *app) newBackup() *cobra.Command {
	var history, force bool
	var codeFile string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the account into a sealed file, and make a recovery code for it",
		Long: `Write the account into a sealed file: its key, its contacts with the keys that are known of them
and whether you have compared these, its groups and settings, and with --history everything that was
said. The file opens with the recovery code alone, which is shown once; keep it elsewhere, on paper
for instance. Whoever has both is you. The account must not be open elsewhere meanwhile.`,
		Example: `  chat backup ~/usb/alice.chat --history`,
		Args:    cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.BoolVar(&history, "history", false, "everything that was said, too")
	flags.StringVar(&codeFile, "code-file", "", "write the recovery code into this file, which others cannot read")
	flags.BoolVar(&force, "force", false, "write over a file that is there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		defer a.closeTerminal()
		if codeFile != "" && sameFile(codeFile, args[0]) {
			return wrongUsage("The recovery code would be written over the backup. Name another file, and keep it elsewhere.")
		}
		if codeFile == "" {
			if _, err := a.terminal("The recovery code is shown at a terminal, and there is none. Give --code-file FILE."); err != nil {
				return err
			}
		}
		ref, err := a.choose(cmd, profile.Last)
		if err != nil {
			return err
		}
		acc, err := owner.Open(cmd.Context(), ref, a.passphrase(ref))
		if err != nil {
			return err
		}
		code := backup.NewCode()
		// The code when the backup is written and before it takes its name: one that is
		// there already keeps its code if this one fails, and is not written over by
		// one that nobody can open.
		err = privately(args[0], force, func(w io.Writer) error {
			if err := acc.Backup(w, code, history); err != nil || codeFile == "" {
				return err
			}
			return privately(codeFile, force, func(w io.Writer) error { _, err := fmt.Fprintln(w, code.Show()); return err })
		})
		if err = errors.Join(err, acc.Close(0)); err != nil || codeFile != "" {
			return err
		}
		a.tty.Say("\n    %s\n\nThat is the recovery code of this backup, and it is not shown again. Write it down, and keep it\napart from the file.\n", code.Show())
		return nil
	}
	return cmd
}

// sameFile reports whether two paths name one file, there or not.
func sameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	infoA, statA := os.Stat(a)
	infoB, statB := os.Stat(b)
	return errA == nil && errB == nil && absA == absB || statA == nil && statB == nil && os.SameFile(infoA, infoB)
}

func (a *app) newRestore() *cobra.Command {
	var codeFile, server string
	timeout := defaultTimeout
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring an account back from a backup, as a new device",
		Long: `Bring an account back from a backup, as a new device of it: the device that had the account before
is told by the relay and not let in any more, and what waited for it goes back to its senders. Your
contacts see that you have a new device and nothing else, for the account's key is the same.`,
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&codeFile, "code-file", "", "file with the recovery code")
	flags.StringVar(&server, "server", "", "another address of the relay than the one in the backup, wss://host:port")
	flags.DurationVar(&timeout, "timeout", 30*time.Second, "how long to wait for the relay to take the requests to contacts")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := os.Open(args[0])
		if err != nil {
			return &client.Error{Code: client.CodeNotFound, Err: err, Text: fmt.Sprintf("The backup cannot be read: %v", err)}
		}
		defer file.Close()
		r := owner.Restoration{File: file, Cost: a.cost, Passphrase: a.newPassphrase, Place: func(name string, s client.Server) (profile.Ref, error) { return profile.RefFor(name, s.Address()) }}
		if server != "" {
			s, err := client.ParseServer(server)
			if err != nil {
				return err
			}
			r.Server = &s
		}
		acc, err := a.restore(cmd.Context(), r, codeFile)
		if err != nil {
			return err
		}
		c := &call{Account: acc, ctx: cmd.Context(), cmd: cmd}
		return errors.Join(c.run(func(c *call) error { return c.reconnect(timeout) }), acc.Close(linger))
	}
	return cmd
}

// restore asks for the code until it is none that a typing error has spoiled.
func (a *app) restore(ctx context.Context, r owner.Restoration, codeFile string) (*owner.Account, error) {
	defer a.closeTerminal()
	if codeFile != "" {
		text, err := readCodeFile(codeFile)
		if err == nil {
			r.Code, err = backup.ParseCode(text)
		}
		if err != nil {
			return nil, err
		}
		return owner.Restore(ctx, r)
	}
	t, err := a.terminal("The recovery code is asked for at a terminal, and there is none. Give --code-file FILE.")
	if err != nil {
		return nil, err
	}
	for {
		text, err := t.Line(ctx, "Recovery code: ")
		if err != nil {
			return nil, err
		}
		if r.Code, err = backup.ParseCode(text); err == nil {
			return owner.Restore(ctx, r)
		}
		t.Say("%v\n", err)
	}
}

func readCodeFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", &client.Error{Code: client.CodeNotFound, Err: err, Text: fmt.Sprintf("The file of the recovery code cannot be read: %v", err)}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCodeFile))
	return string(b), err
}

// reconnect begins new sessions with all contacts, and waits until the relay has
// the requests.
func (c *call) reconnect(timeout time.Duration) error {
	id, err := c.Identity(c.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.cmd.ErrOrStderr(), "%s at %s is on this device now, fingerprint %s\n", id.Username, id.Server, id.Fingerprint)
	asked, err := c.Reconnect(c.ctx)
	if len(asked) > 0 {
		err = errors.Join(err, c.flush(timeout))
	}
	if len(asked) > 0 {
		fmt.Fprintf(c.cmd.ErrOrStderr(), "new sessions with %s\n", strings.Join(asked, ", "))
	}
	fmt.Fprintf(c.cmd.ErrOrStderr(), "next: chat login %s\n", id.Username)
	return err
}
