package tui

import (
	"maps"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"secure-messaging/pkg/client"
)

const (
	// presence is how long somebody who has touched the screen is taken to
	// look at it, although the terminal says that it is not in front. Some
	// never say that it is.
	presence = time.Minute

	// reopenAfter is how long the account is left alone after it failed.
	reopenAfter = 3 * time.Second

	// maxQueue is how many texts may wait for the account. It takes one in
	// milliseconds; when it does not, more of them help nobody.
	maxQueue = 64
)

// model is the root: it owns all state, routes what happens, and lays the
// parts out.
type model struct {
	// Static after newModel.
	jobs *jobs
	keys keyMap
	opts Options

	// What the account said last.
	ready    bool // it has answered once
	lost     string
	position uint64
	identity client.Identity
	status   client.Status
	settings client.Settings
	roster   roster
	marking  bool                    // the account is being told what was read
	groups   map[string]client.Group // by name; they stand in the roster, too
	threads  map[string]*thread
	writing  map[string]time.Time // who is writing, and until when that is believed

	// What the user does.
	current  string // the open conversation
	composer composer
	picked   int                  // which of the commands that may be meant
	replies  int64                // cursor of the message that the text answers; 0 for none
	edits    int64                // cursor of the message whose words the text replaces; 0 for none
	picks    int64                // cursor of the message that is picked; 0 for none
	linked   place                // how many links of which message were copied
	drafts   map[string]draft     // of the other conversations
	told     map[string]time.Time // whom we have told that the user writes, and when
	queue    []outgoing           // texts that the account does not have yet; the first is on its way
	quitting bool
	focused  bool
	touched  time.Time // when somebody last pressed a key or used the mouse

	gathering bool          // letters that come now are kept back
	rush      []byte        // those that were
	pouring   time.Duration // what it took to put the last of them into the text

	// How conversations are left.
	kept       map[string]client.View // what was written down last
	left       map[string]bool        // conversations that were left since
	keeping    bool                   // what has changed is about to be written down, or
	saving     bool                   // is being written down
	unkeepable bool                   // the last time it could not be, and the user knows
	lossy      bool                   // whoever quits now knows that something is lost

	// What stands over the page.
	dialog  dialog
	notices notices
	news    news
	finder  *finder // the last search; nil before the first
	tour    *tour   // through its hits; nil when none is looked at

	recalled []string // what was sent and done here, the latest last

	// The screen.
	look
	width, height int
	now           time.Time
	ticking       bool // a second is on its way
}

func newModel(j *jobs, opts Options) *model {
	m := &model{
		jobs: j, keys: newKeyMap(opts.Keys), opts: opts,
		groups: map[string]client.Group{}, threads: map[string]*thread{}, drafts: map[string]draft{},
		writing: map[string]time.Time{}, told: map[string]time.Time{}, kept: map[string]client.View{}, left: map[string]bool{},
		focused: true, look: newLook(true, opts), now: time.Now(),
	}
	m.composer = newComposer(&m.keys)
	m.composer.dress(&m.look)
	return m
}

// Init implements tea.Model. The answer about the background may never come,
// so nothing waits for it.
func (m *model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.jobs.open(), m.jobs.after(untilMinute(m.now), minute{}))
}

type (
	minute struct{} // the clock shows another minute
	second struct{} // a countdown shows another second, or a passing word has passed
	reopen struct{} // the account is tried again
)

func untilMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}

// Update implements tea.Model: it routes, and does nothing else.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = time.Now()
	cmd := m.route(msg)
	return m, tea.Batch(cmd, m.settle())
}

func (m *model) route(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case tea.MouseWheelMsg:
		m.wheel(msg)
	case tea.MouseClickMsg:
		return m.click(msg)
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.FocusMsg:
		m.focused = true
	case tea.BlurMsg:
		m.focused, m.touched = false, time.Time{}
	case tea.BackgroundColorMsg:
		m.relook(msg.IsDark(), m.cells)
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeReset || msg.Value == ansi.ModeSet || msg.Value == ansi.ModePermanentlySet) {
			m.relook(m.dark, ansi.GraphemeWidth) // the renderer counts so from now on
		}
	case tea.EnvMsg:
		m.notifyBy(msg.Getenv)
	case notifyAgain:
		m.news.paused = false
		return m.notify()
	case minute:
		return m.jobs.after(untilMinute(m.now), minute{})
	case second:
		m.ticking = false
	case opened:
		return m.opened(msg)
	case reopen:
		return m.jobs.open()
	case happened:
		return m.happened(msg)
	case historyRead:
		m.historyRead(msg)
	case sent:
		return m.sent(msg)
	case answered:
		m.answered(msg)
	case safetyRead:
		m.safetyRead(msg)
	case decided:
		m.decided(msg)
	case changed:
		m.changed(msg)
	case searched:
		m.searched(msg)
	case edited:
		m.edited(msg)
	case themeKept:
		m.themeKept(msg)
	case settingsSet:
		m.settingsSet(msg)
	case gathered:
		return m.gatherMore()
	case keepNow:
		return m.keepNow()
	case viewsKept:
		return m.viewsKept(msg)
	case typingTold: // nobody waits for it
	case grouped:
		m.grouped(msg)
	case fileSent:
		m.fileSent(msg)
	case fileSaved:
		m.fileSaved(msg)
	case pathsRead:
		m.pathsRead(msg)
	case readMarked:
		m.marking = false
		if msg.err != nil {
			m.couldNotRead(msg.err)
		}
	}
	return nil
}

// relook repaints everything in another look.
func (m *model) relook(dark bool, method ansi.Method) {
	generation := m.generation + 1
	m.look = newLook(dark, m.opts)
	m.cells, m.generation = method, generation
	m.composer.dress(&m.look)
}

// settle does what follows from the new state, whatever brought it about.
func (m *model) settle() tea.Cmd {
	if m.height == 0 {
		return nil
	}
	if m.ready && m.current == "" && m.composer.empty() && m.dialog == nil {
		m.open(m.roster.best()) // the first screen has done its work
	}
	if m.picks == 0 && m.dialog == nil {
		m.tour = nil
	}
	l := m.layout()
	m.composer.resize(l.column - leadWidth)
	m.composer.invite(m.invitation())
	cmds := []tea.Cmd{m.tick(), m.readSafety(), m.keep(), m.search()}
	if t := m.thread(); t != nil && m.ready && m.lost == "" {
		cmds = append(cmds, m.load(t, m.page()), m.markRead(t, m.page()))
	}
	return tea.Batch(cmds...)
}

// tick keeps the seconds running while something passes with them: the wait
// for the next try to connect, or a word in the last line.
func (m *model) tick() tea.Cmd {
	m.notices.expire(m.now, wordFor)
	maps.DeleteFunc(m.writing, func(_ string, until time.Time) bool { return !until.After(m.now) })
	waits := m.status.State == client.Offline && m.status.RetryAt.After(m.now)
	if e := m.chosen(); e != nil && e.GoneAt.After(m.now) {
		waits = true
	}
	if m.ticking || (!waits && m.notices.word == "" && len(m.writing) == 0) {
		return nil
	}
	m.ticking = true
	return m.jobs.after(time.Second, second{})
}

// load asks for the pages of the history that the reader comes near to.
func (m *model) load(t *thread, p *page) tea.Cmd {
	const near = 20 // messages
	if t.loading || t.stuck {
		return nil
	}
	q := client.Query{Contact: t.contact, Limit: pageSize}
	from, to := t.visible(p)
	switch {
	case len(t.entries) == 0 && t.older:
		q.Limit = min(max(pageSize, m.roster.get(t.contact).Unread+near), client.MaxLimit)
		t.begin(&q)
	case t.older && from < near:
		q.Before = t.first()
	case t.newer && to > len(t.entries)-near:
		q.After = t.last()
	default:
		return nil
	}
	t.loading, t.asked = true, t.latest
	return m.jobs.history(q, t.epoch)
}

// markRead tells the account what was on screen in front of a reader.
func (m *model) markRead(t *thread, p *page) tea.Cmd {
	if m.marking || !m.watched() || m.dialog != nil {
		return nil
	}
	_, to := t.visible(p)
	if to == len(t.entries) && !t.newer {
		t.behind = false
	}
	for i := to - 1; i >= 0 && t.entries[i].Cursor > t.marked; i-- {
		if t.entries[i].Unread {
			t.marked, m.marking = t.entries[i].Cursor, true
			return m.jobs.markRead(t.contact, t.marked)
		}
	}
	return nil
}

// below counts what is unread and stands below the screen.
func (m *model) below(t *thread) int {
	_, to := t.visible(m.page())
	return max(m.roster.get(t.contact).Unread-t.unmarked(to), 0)
}

// thread returns the open conversation's, or nil.
func (m *model) thread() *thread {
	if m.roster.get(m.current).State != client.Accepted {
		return nil
	}
	return m.threads[m.current]
}

// touch notes that somebody is there.
func (m *model) touch() { m.touched = m.now }

// watched reports whether somebody looks at the screen, as far as we can tell.
func (m *model) watched() bool { return m.focused || m.now.Sub(m.touched) < presence }

// show opens a dialog. None opens by itself.
func (m *model) show(d dialog) { m.dialog = d }
