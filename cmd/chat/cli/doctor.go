package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/diskspace"
	"secure-messaging/internal/keyring"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
)

// Bounds within which doctor finds nothing wrong.
const (
	clockSkew   = 2 * time.Minute    // certificates and disappearing messages bear more, and people notice
	certificate = 7 * 24 * time.Hour // a relay renews its own a month before its end
	roomNeeded  = 64 << 20           // bytes: a day of busy conversations with their log
	oldSigned   = 21 * 24 * time.Hour
	youngSigned = 24 * time.Hour // of an account that was just made
	fewOneTime  = 10
	doctorTime  = 20 * time.Second // for the relay
)

// finding is one line of doctor.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // "ok", "problem" or "unknown"
	Says   string `json:"says"`   // what was seen, and what to do about a problem
}

const (
	fine    = "ok"
	problem = "problem"
	unknown = "unknown"
)

func (a *app) newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong, and say what to do",
		Long: `Look at the account's folder and disk, its keys, the process that has it open, the relay, its
certificate and its clock, and at the terminal. Nothing is changed, and no passphrase is asked for:
what is sealed is looked at where the account is open, or with --passphrase-file. Ends with 1 where
something is wrong.`,
		Args: cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ref, err := a.choose(cmd, profile.Last)
		var found []finding
		switch {
		case errors.Is(err, client.ErrNotFound) && a.as == "":
			found = append(found, finding{"account", unknown, err.Error()})
		case err != nil:
			return err
		default:
			found = a.examine(cmd.Context(), ref)
		}
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		found = append(found, lookAtTerminal())
		wrong := 0
		for _, f := range found {
			if f.Result == problem {
				wrong++
			}
			if *asJSON {
				err = printJSON(cmd.OutOrStdout(), f)
			} else {
				err = printFolded(cmd.OutOrStdout(), fmt.Sprintf("%-8s %-12s %s", f.Result, f.Check, f.Says))
			}
			if err != nil {
				return err
			}
		}
		if wrong > 0 {
			return fmt.Errorf("%d of %d checks found something wrong", wrong, len(found))
		}
		return nil
	}
	return cmd
}

// examine looks at an account and at its relay.
func (a *app) examine(ctx context.Context, ref profile.Ref) []finding {
	found := []finding{lookAtFolder(ref), lookAtDisk(ref)}
	r, err := attached(ctx, ref)
	switch {
	case err != nil:
		found = append(found, finding{"socket", problem, err.Error()})
	case r != nil:
		defer r.Close()
		found = append(found, lookAtHolder(ctx, r)...)
	default:
		found = append(found, finding{"socket", fine, "nobody has the account open"})
		found = append(found, a.lookAtKeys(ctx, ref)...)
	}
	if keyring.Kept(ref) {
		f := finding{"keyring", fine, "it has the passphrase"}
		secret, err := keyring.Passphrase(ctx, ref)
		clear(secret)
		if err != nil {
			f = finding{"keyring", problem, err.Error()}
		}
		found = append(found, f)
	}
	return append(found, lookAtRelay(ctx, ref)...)
}

func lookAtFolder(ref profile.Ref) finding {
	if err := ref.Private(); err != nil {
		return finding{"folder", problem, err.Error()}
	}
	return finding{"folder", fine, ref.Dir + ", readable by you alone"}
}

func lookAtDisk(ref profile.Ref) finding {
	free, err := diskspace.Free(ref.Dir)
	switch {
	case err != nil:
		return finding{"disk", unknown, "its room cannot be told: " + err.Error()}
	case free < roomNeeded:
		return finding{"disk", problem, fmt.Sprintf("%s are free. Make room, or messages cannot be taken in.", size(int64(free)))}
	}
	return finding{"disk", fine, size(int64(free)) + " free"}
}

// lookAtHolder asks the process that has the account open.
func lookAtHolder(ctx context.Context, r *agent.Remote) []finding {
	h, err := r.Holder(ctx)
	if err != nil {
		return []finding{{"socket", problem, err.Error()}}
	}
	found := []finding{{"socket", fine, fmt.Sprintf("a chat %s has the account open (process %d)", h.Kind, h.PID)}}
	s, err := r.Status(ctx)
	switch {
	case err != nil:
		return append(found, finding{"connection", problem, err.Error()})
	case s.State != client.Connected:
		return append(found, finding{"connection", problem, fmt.Sprintf("%s. %s", s.State, s.Reason)})
	}
	says := "connected"
	if s.Waiting > 0 {
		says += fmt.Sprintf(", %d waiting to leave", s.Waiting)
	}
	return append(found, finding{"connection", fine, says}, finding{"keys", fine, "unlocked there"}, finding{"prekeys", fine, "kept up by it"})
}

// lookAtKeys opens the profile, where that asks nobody.
func (a *app) lookAtKeys(ctx context.Context, ref profile.Ref) []finding {
	if a.passphraseFile == "" && !keyring.Kept(ref) {
		return []finding{{"keys", unknown, "sealed; --passphrase-file looks at them"}}
	}
	quiet := *a
	quiet.noInput = true
	acc, err := owner.Open(ctx, ref, quiet.passphrase(ref))
	if err != nil {
		return []finding{{"keys", problem, err.Error()}}
	}
	defer acc.Close(0)
	if !acc.Owned {
		return []finding{{"keys", unknown, "somebody has opened the account meanwhile; look again"}}
	}
	found := []finding{{"keys", fine, "they open"}}
	if err := acc.Registered(); err != nil {
		found = append(found, finding{"name", problem, err.Error()})
	}
	n, signed, err := acc.Stock()
	switch age := time.Since(signed).Round(time.Hour); {
	case err != nil:
		found = append(found, finding{"prekeys", problem, err.Error()})
	case n < fewOneTime && age < youngSigned:
		found = append(found, finding{"prekeys", fine, fmt.Sprintf("%d of one use; more are made when chat next reaches the relay", n)})
	case n < fewOneTime || age > oldSigned:
		found = append(found, finding{"prekeys", problem, fmt.Sprintf("%d of one use, the signed one from %s. Open chat while the relay can be reached: it makes new ones.", n, signed.Local().Format(time.DateOnly))})
	default:
		found = append(found, finding{"prekeys", fine, fmt.Sprintf("%d of one use, the signed one from %s", n, signed.Local().Format(time.DateOnly))})
	}
	return found
}

// lookAtRelay asks the relay, without logging in.
func lookAtRelay(ctx context.Context, ref profile.Ref) []finding {
	server, err := ref.Relay()
	if err != nil {
		return []finding{{"relay", problem, err.Error()}}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	seen, err := client.Look(ctx, server)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%s does not answer within %v. Is it running (server serve), and is the address right?", server.Address(), doctorTime)
	}
	var found []finding
	if err != nil {
		found = append(found, finding{"relay", problem, err.Error()})
	} else {
		by := ""
		if seen.Server.WebPKI {
			by = ", by a certificate of a public authority"
		}
		found = append(found, finding{"relay", fine, fmt.Sprintf("%s answers in %v, with the key that you know%s", server.Address(), seen.Took.Round(time.Millisecond), by)})
	}
	if left := time.Until(seen.CertEnds); !seen.CertEnds.IsZero() && left < certificate {
		found = append(found, finding{"certificate", problem, fmt.Sprintf("that of the relay ends on %s. Tell its operator.", seen.CertEnds.Local().Format(time.DateTime))})
	} else if !seen.CertEnds.IsZero() {
		found = append(found, finding{"certificate", fine, "until " + seen.CertEnds.Local().Format(time.DateOnly)})
	}
	return append(found, lookAtClock(seen.Clock, time.Now()))
}

// lookAtClock compares this machine's clock with the relay's.
func lookAtClock(there, here time.Time) finding {
	ahead := there.Sub(here).Round(time.Second)
	switch {
	case there.IsZero():
		return finding{"clock", unknown, "the relay would tell"}
	case ahead.Abs() <= clockSkew:
		return finding{"clock", fine, "as the relay's"}
	}
	by := "ahead of"
	if ahead < 0 {
		by = "behind"
	}
	return finding{"clock", problem, fmt.Sprintf("the relay's is %v %s this machine's, which says %s. Set the one that is wrong, or let NTP set it.", ahead.Abs(), by, here.Format(time.DateTime))}
}

func lookAtTerminal() finding {
	switch name := os.Getenv("TERM"); {
	case !terminal.IsTerminal(os.Stdout):
		return finding{"terminal", unknown, "the output does not go to one"}
	case name == "" || name == "dumb":
		return finding{"terminal", problem, "TERM says that it cannot move its cursor: the interface needs one that can, or --linear."}
	case plainLocale():
		return finding{"terminal", problem, "the locale is not UTF-8, so signs are drawn in ASCII. Set LANG to one that is, as en_US.UTF-8."}
	}
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return finding{"terminal", unknown, "its size cannot be told: " + err.Error()}
	}
	if width < 40 || height < 12 {
		return finding{"terminal", problem, fmt.Sprintf("%d×%d is small: the interface is good from 40×12 on", width, height)}
	}
	return finding{"terminal", fine, fmt.Sprintf("%s, %d×%d, UTF-8", os.Getenv("TERM"), width, height)}
}
