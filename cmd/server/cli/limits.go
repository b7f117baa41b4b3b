package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/relay/ratelimit"
)

func newLimits() *cobra.Command {
	return &cobra.Command{
		Use:   "limits",
		Short: "Print what users may do by default, as a file for serve --limits",
		Long: `Print the default limits as a file: how many connections, frames, bytes, requests and
registrations, by address, by user and in all; what a mailbox holds, and for how long.

  server limits > limits.json
  server serve --limits limits.json

What the file leaves out keeps its default. With serve --limits off there are no rates, which is
for measurements, not for the world.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(ratelimit.Format(ratelimit.Default()))
			return err
		},
	}
}

// readLimits reads what --limits names.
func readLimits(name string) (ratelimit.Limits, error) {
	switch name {
	case "":
		return ratelimit.Default(), nil
	case "off":
		return ratelimit.Unlimited(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return ratelimit.Limits{}, fmt.Errorf("--limits: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, ratelimit.MaxFile+1))
	if err != nil {
		return ratelimit.Limits{}, fmt.Errorf("--limits: %w", err)
	}
	limits, err := ratelimit.Parse(text)
	if err != nil {
		return ratelimit.Limits{}, fmt.Errorf("--limits %s: %w. See: server limits", name, err)
	}
	return limits, nil
}
