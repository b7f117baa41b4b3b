package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"secure-messaging/internal/relayhost"
)

// standard stands for standard output or input where a file is named.
const standard = "-"

// dataFlags are those of a command that needs a data folder and nothing else.
func (f *serveFlags) addData(cmd *cobra.Command) {
	cmd.Flags().String(configFlag, "", "file of settings (see: server config)")
	cmd.Flags().StringVar(&f.data, "data", "", "data folder (default: as serve has it)")
}

// loadData finds out which folder that is.
func (f *serveFlags) loadData(cmd *cobra.Command) error {
	if _, err := loadSettings(cmd.Flags()); err != nil {
		return usageError{err}
	}
	f.complete()
	return nil
}

func newBackup() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the relay's key, store and files to a file, while it runs",
		Long: `Write a backup of the relay as it is at one moment: its key, its users, what waits, and the files.
The relay goes on meanwhile, or does not run at all. The file is a tar with checksums (SHA256SUMS),
for you alone to read. Its messages are sealed, but the key is not: who has the backup can be your
relay. Keep it encrypted. FILE is - for standard output.`,
		Example: `  server backup relay.tar
  server backup - | age -r age1... > relay.tar.age`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.loadData(cmd); err != nil {
				return err
			}
			var about relayhost.Backup
			err := writeWhole(args[0], cmd.OutOrStdout(), func(w io.Writer) (err error) {
				about, err = relayhost.TakeBackup(cmd.Context(), f.data, w)
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "backup of %s: %d files, %d bytes. It has the relay's key in it: keep it encrypted.\n", about.Relay, about.Files, about.Bytes)
			return nil
		},
	}
	f.addData(cmd)
	return cmd
}

// writeWhole makes a file whole or not at all, for its owner alone, and replaces
// none.
func writeWhole(name string, stdout io.Writer, fill func(io.Writer) error) (err error) {
	if name == standard {
		if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return usageError{errors.New("a backup has the relay's key in it, and a terminal is no place for that; name a file, or give it to another program by a pipe")}
		}
		return fill(stdout)
	}
	if _, err := os.Lstat(name); err == nil {
		return usageError{fmt.Errorf("%s is there already; choose another name, or remove it", name)}
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".part*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func newRestore() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a relay from a backup, in an empty data folder",
		Long: `Make a relay from what server backup wrote, in a data folder that is empty or not there. All of the
backup is checked first. Clients know the relay by its key, so they notice nothing but what is
missing: users who came and messages that waited after the backup was made. Do not run the old and
the restored relay both. FILE is - for standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.loadData(cmd); err != nil {
				return err
			}
			in, err := openInput(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			defer in.Close()
			about, err := relayhost.Restore(cmd.Context(), in, f.data)
			if err != nil {
				return describe(cmd.Context(), args[0], err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "restored %s as of %s into %s\n", about.Relay, about.Made.Format("2006-01-02 15:04:05 MST"), f.data)
			return nil
		},
	}
	f.addData(cmd)
	return cmd
}

func openInput(name string, stdin io.Reader) (io.ReadCloser, error) {
	if name == standard {
		return io.NopCloser(stdin), nil
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usageError{err}
	}
	return f, err
}

// describe names the file that cannot be restored from.
func describe(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("restore from %s: %w", name, err)
}
