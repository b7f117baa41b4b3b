package stage

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"secure-messaging/pkg/crypto/keyfile"
)

// stretchCommand makes a benchmark take one guess of a passphrase, and say how
// long that took.
const stretchCommand = "argon2id"

// Stretching does that, and reports whether it was what the program was started
// for: a main that calls Stretch asks it first.
func Stretching() bool {
	if len(os.Args) != 2 || os.Args[1] != stretchCommand {
		return false
	}
	began := time.Now()
	m, _, err := keyfile.New([]byte(Passphrase), keyfile.DefaultCost)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(time.Since(began))
	m.Clear()
	return true
}

// Stretch measures what a passphrase costs, in a new process of this program: the
// memory for it is new there, as it is in the client.
func Stretch(ctx context.Context) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, self, stretchCommand).Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", stretchCommand, err)
	}
	return time.ParseDuration(strings.TrimSpace(string(out)))
}
