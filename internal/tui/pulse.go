package tui

import (
	"reflect"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Frames are drawn by a clock of the library, which beats whether there is
// anything to draw or not: 120 times a second, for as long as the program runs,
// which keeps a laptop awake; and a key waits for the next beat. So the clock is
// kept slow, and set going when there is a frame. The library has no way to ask
// for that yet (github.com/charmbracelet/bubbletea, pull requests 1776 and 1796).
const (
	frame  = time.Second / 120     // between two frames while the screen moves
	soon   = time.Millisecond      // from a first change to its frame
	calm   = 50 * time.Millisecond // without a change, until the clock slows down
	asleep = 250 * time.Millisecond
)

// pulse sets the clock of a program. The zero value leaves it as it is.
type pulse struct {
	program *tea.Program // from before it runs

	mu     sync.Mutex
	ticker *time.Ticker // nil before the first change, and where the library has none
	awake  bool
	hasty  bool // it beats soon, not by the frame
	last   time.Time
	timer  *time.Timer
}

// beat is called where there may be something new to draw.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ticker == nil {
		if p.ticker = tickerOf(p.program); p.ticker == nil {
			return
		}
		p.timer = time.AfterFunc(calm, p.slow)
	}
	p.last = time.Now()
	if !p.awake {
		p.awake, p.hasty = true, true
		p.ticker.Reset(soon)
		p.timer.Reset(4 * soon)
	}
}

// slow lets the clock go slower where nothing has changed for a while.
func (p *pulse) slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	rest := calm - time.Since(p.last)
	switch {
	case p.hasty:
		p.hasty = false
		p.ticker.Reset(frame)
	case rest <= 0:
		p.awake = false
		p.ticker.Reset(asleep)
		return
	}
	p.timer.Reset(max(rest, soon))
}

// tickerOf returns the clock of a program, on the goroutine that updates it, or
// nil where it is not to be found.
func tickerOf(p *tea.Program) *time.Ticker {
	if p == nil {
		return nil
	}
	field := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return *(**time.Ticker)(field.Addr().UnsafePointer())
}

// paced is a model whose every view makes the pulse beat.
type paced struct {
	tea.Model
	pulse *pulse
}

func (p paced) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m, cmd := p.Model.Update(msg)
	return paced{m, p.pulse}, cmd
}

func (p paced) View() tea.View {
	defer p.pulse.beat() // the view is the library's a moment later
	return p.Model.View()
}
