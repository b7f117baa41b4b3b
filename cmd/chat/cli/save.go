package cli

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/client"
)

func (a *app) newSave() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use:   "save CURSOR|ID",
		Short: "Save the file of a message",
		Long: `Fetch the file of a message, check and open it, and print the path that it was written to. The
message is named by its cursor or its id, as history --json and listen --json show them.

The file goes into this folder, or that of --to, under the name that it was sent with, cleaned; or
to the path that --to names. Nothing that exists is written over: in a folder the name gets a number.`,
		Example: `  chat save 42 --to ~/Downloads
  chat listen --json | jq -r 'select(.type=="file").cursor' | xargs -n1 chat save`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&to, "to", ".", "a folder, or the path of a new file")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := absolute([]string{to})
		if err != nil {
			return err
		}
		if to != "" && to[len(to)-1] == filepath.Separator {
			path[0] += string(filepath.Separator) // that it has to be a folder
		}
		return a.with(cmd, func(c *call) error {
			cursor, err := c.cursorOf(args[0])
			if err != nil {
				return err
			}
			saved, err := c.SaveFile(c.ctx, cursor, path[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), savedFile{cursor, saved})
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), saved)
			return err
		})
	}
	return cmd
}

// savedFile is what --json prints.
type savedFile struct {
	Cursor int64  `json:"cursor"`
	Saved  string `json:"saved"`
}

// cursorOf finds a message by its cursor or its id.
func (c *call) cursorOf(name string) (int64, error) {
	if len(name) < 32 {
		cursor, err := strconv.ParseInt(name, 10, 64)
		if err != nil || cursor <= 0 {
			return 0, wrongUsage("A message is named by its cursor, a number, or by its id, 32 hex digits. See them with: chat history --json")
		}
		return cursor, nil
	}
	ms, err := c.History(c.ctx, client.Query{ID: name, Limit: 1})
	if err == nil && len(ms) == 0 {
		err = &client.Error{Code: client.CodeNotFound, Text: "There is no message with that id here. See what there is: chat history --json"}
	}
	if err != nil {
		return 0, err
	}
	return ms[0].Cursor, nil
}
