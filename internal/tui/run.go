package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"secure-messaging/pkg/client"
)

// Options say how the screen is reached and painted. The zero value is the
// process's own terminal, in colour.
type Options struct {
	In      io.Reader // nil for the standard input
	Out     io.Writer // nil for the standard output
	NoColor bool      // weight and underlines only
	ASCII   bool      // our own signs and lines in ASCII; messages stay as they are
	NoMouse bool      // the mouse stays the terminal's

	Notify      Notify
	TwelveHours bool   // times as 3:04 pm
	Theme       string // one of Themes; "" or "auto" follows the terminal's background

	// KeepTheme writes down which theme the user has chosen; nil where that ends
	// with the screen.
	KeepTheme func(name string) error

	// Downloads is the folder that files are saved to; "" for none.
	Downloads string

	Keys map[string][]string // other keys for some of Bindings; as CheckKeys admits
}

// Run shows account until the user quits or ctx ends, and leaves the terminal
// as it was. The account stays the caller's to close. It returns nil after
// either end, and an error only when the terminal fails.
func Run(ctx context.Context, account client.Account, opts Options) error {
	// Either variable makes the library write down what is on screen.
	os.Unsetenv("TEA_TRACE")
	os.Unsetenv("TEA_DEBUG")
	return run(ctx, account, opts)
}

// run is Run with further options for the program, and with the program.
func run(ctx context.Context, account client.Account, opts Options, extra ...tea.ProgramOption) error {
	j := newJobs(ctx, account)
	defer j.end()
	p := newProgram(newModel(j, opts), opts, extra...)
	stop := context.AfterFunc(ctx, p.Quit)
	defer stop()
	if _, err := p.Run(); err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return err
	}
	return nil
}

// screenModel is the root model, or what wraps it.
type screenModel interface {
	tea.Model
	gather(tea.Model, tea.Msg) tea.Msg
}

func newProgram(m screenModel, opts Options, extra ...tea.ProgramOption) *tea.Program {
	options := []tea.ProgramOption{
		tea.WithFPS(int(time.Second / frame)),
		tea.WithFilter(m.gather),
	}
	if opts.In != nil {
		options = append(options, tea.WithInput(opts.In))
	}
	if opts.Out != nil {
		options = append(options, tea.WithOutput(opts.Out))
	}
	if opts.NoColor {
		options = append(options, tea.WithColorProfile(colorprofile.Ascii))
	}
	clock := &pulse{}
	clock.program = tea.NewProgram(paced{m, clock}, append(options, extra...)...)
	return clock.program
}
