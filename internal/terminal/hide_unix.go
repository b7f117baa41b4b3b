//go:build unix

package terminal

import "github.com/charmbracelet/x/termios"

// hide ends the echo of what is typed.
func hide(fd int) error {
	t, err := termios.GetTermios(fd)
	if err != nil {
		return err
	}
	return termios.SetTermios(fd, uint32(t.Ispeed), uint32(t.Ospeed), nil, nil, nil, nil, map[termios.L]bool{termios.ECHO: false})
}
