package stage

import (
	"fmt"
	"maps"
	"slices"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// The terminal's state beyond its modes, as Left names it.
const (
	kittyKeys = "levels of Kitty's keyboard protocol"
	otherKeys = "modifyOtherKeys"
)

// atRest are the modes that a terminal has set when no program has changed any.
var atRest = map[ansi.Mode]bool{ansi.ModeTextCursorEnable: true, ansi.ModeAutoWrap: true}

// followModes notes what the program makes of the terminal.
func (s *Screen) followModes() {
	s.modes = map[string]int{}
	note := func(m ansi.Mode, set bool) {
		s.modes[fmt.Sprintf("mode %d", m.Mode())] = 0
		if set != atRest[m] {
			s.modes[fmt.Sprintf("mode %d", m.Mode())] = 1
		}
	}
	s.emu.SetCallbacks(vt.Callbacks{
		EnableMode:  func(m ansi.Mode) { note(m, true) },
		DisableMode: func(m ansi.Mode) { note(m, false) },
	})
	s.emu.RegisterCsiHandler(ansi.Command('>', 0, 'u'), func(ansi.Params) bool {
		s.modes[kittyKeys]++
		return true
	})
	s.emu.RegisterCsiHandler(ansi.Command('<', 0, 'u'), func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 1)
		s.modes[kittyKeys] -= n
		return true
	})
	s.emu.RegisterCsiHandler(ansi.Command('>', 0, 'm'), func(p ansi.Params) bool {
		if which, _, _ := p.Param(0, 0); which == 4 {
			s.modes[otherKeys], _, _ = p.Param(1, 0)
		}
		return true
	})
}

// Left says what of the terminal is otherwise than before any program ran in
// it: modes, the way in which keys are sent, the screen in front.
func (s *Screen) Left() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []string
	for _, name := range slices.Sorted(maps.Keys(s.modes)) {
		if n := s.modes[name]; n != 0 {
			left = append(left, fmt.Sprintf("%s: %d", name, n))
		}
	}
	if s.emu.IsAltScreen() {
		left = append(left, "the alternate screen")
	}
	return left
}
