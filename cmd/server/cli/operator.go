package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"secure-messaging/internal/relayadmin"
	"secure-messaging/internal/relayhost"
)

// operator is a command that talks to the relay that runs on a data folder.
type operator struct {
	serveFlags // of which the data folder counts
	asJSON     bool
}

// add makes the flags of a command that prints something.
func (o *operator) add(cmd *cobra.Command) {
	o.addData(cmd)
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "one JSON object a line")
}

// call finds the relay as serve would.
func (o *operator) call(cmd *cobra.Command) (*relayadmin.Client, error) {
	if err := o.loadData(cmd); err != nil {
		return nil, err
	}
	return relayadmin.NewClient(o.data, relayhost.Admin(o.data)), nil
}

// printJSON prints one object a line.
func printJSON[T any](w io.Writer, list ...T) error {
	for _, v := range list {
		line, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// table prints columns.
func table(w io.Writer, rows func(row func(format string, args ...any))) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rows(func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) })
	return t.Flush()
}

// group is a command that only has others below it.
func group(use, short, long string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(below...)
	return cmd
}
