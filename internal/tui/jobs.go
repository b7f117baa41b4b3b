package tui

import (
	"context"
	"os"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// jobs makes commands of the account's calls. They are the only goroutines
// beside the program's own, and end waits for them: the program itself lets
// its commands go when it quits.
type jobs struct {
	account client.Account
	ctx     context.Context
	cancel  context.CancelFunc

	mu     sync.Mutex
	ended  bool // guarded by mu
	active sync.WaitGroup
}

func newJobs(ctx context.Context, account client.Account) *jobs {
	j := &jobs{account: account}
	j.ctx, j.cancel = context.WithCancel(ctx)
	return j
}

// end stops all commands and returns when none runs.
func (j *jobs) end() {
	j.mu.Lock()
	j.ended = true
	j.mu.Unlock()
	j.cancel()
	j.active.Wait()
}

// do makes a command. One that is started after the end does nothing.
func (j *jobs) do(f func(context.Context) tea.Msg) tea.Cmd {
	return func() tea.Msg {
		j.mu.Lock()
		if j.ended {
			j.mu.Unlock()
			return nil
		}
		j.active.Add(1)
		j.mu.Unlock()
		defer j.active.Done()
		return f(j.ctx)
	}
}

// after gives msg when d has passed.
func (j *jobs) after(d time.Duration, msg tea.Msg) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		select {
		case <-time.After(d):
			return msg
		case <-ctx.Done():
			return nil
		}
	})
}

// What commands bring back.
type (
	opened struct { // the whole state, read anew
		position uint64
		identity client.Identity
		status   client.Status
		contacts []client.Contact
		groups   []client.Group
		settings client.Settings
		views    []client.View
		err      error
	}
	happened struct {
		batch client.Batch
		err   error
	}
	historyRead struct {
		query    client.Query
		epoch    int
		messages []client.Message
		err      error
	}
	sent struct {
		outgoing
		message client.Message
		err     error
	}
	answered struct { // a request was made or answered
		contact client.Contact
		aside   bool   // while the user is at something else
		line    string // the command that does it again
		err     error
	}
	readMarked struct{ err error }
	safetyRead struct { // what is to be compared with somebody
		name   string
		safety client.Safety
		err    error
	}
	decided struct { // a decision about a contact's key was written down
		name     string
		decision client.Decision
		contact  client.Contact
		err      error
	}
	changed     struct{ err error } // a message or a conversation was, by us
	settingsSet struct {
		settings client.Settings
		word     string // for the user, when it is done
		err      error
	}
	searched struct {
		query client.Search
		found []client.Message
		err   error
	}
	typingTold struct{}
	grouped    struct { // an order about a group was carried out
		group client.Group
		line  string // behind the command that does it again
		made  bool
		err   error
	}
	fileSent struct {
		message client.Message
		line    string // behind the command that does it again
		err     error
	}
	fileSaved struct {
		path string
		err  error
	}
	pathsRead struct { // what is in the folder of a path
		typed string
		names []string
	}
)

// outgoing is a text on its way into the account.
type outgoing struct {
	to string
	draft
}

// open reads everything. The position comes first, so that nothing which
// happens in between is missed.
func (j *jobs) open() tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		var o opened
		var batch client.Batch
		if batch, o.err = j.account.Events(ctx, 0); o.err != nil {
			return o
		}
		o.position = batch.Next
		if o.identity, o.err = j.account.Identity(ctx); o.err != nil {
			return o
		}
		if o.status, o.err = j.account.Status(ctx); o.err != nil {
			return o
		}
		if o.settings, o.err = j.account.Settings(ctx); o.err != nil {
			return o
		}
		if o.views, o.err = j.account.Views(ctx); o.err != nil {
			return o
		}
		for i, v := range o.views {
			o.views[i] = cleanView(v)
		}
		if o.groups, o.err = j.account.Groups(ctx); o.err != nil {
			return o
		}
		for i, g := range o.groups {
			o.groups[i] = cleanGroup(g)
		}
		o.contacts, o.err = j.account.Contacts(ctx)
		for i, c := range o.contacts {
			o.contacts[i] = cleanContact(c)
		}
		o.identity, o.status = cleanIdentity(o.identity), cleanStatus(o.status)
		return o
	})
}

// gather is how long after one batch of events the next is asked for: a few
// times as long as it takes to draw the screen, so that keys have their turn
// while thousands of messages come in. The first of them waits for nothing.
const gather = 20 * time.Millisecond

// wait brings the next batch of events.
func (j *jobs) wait(position uint64) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		select {
		case <-time.After(gather):
		case <-ctx.Done():
			return nil
		}
		batch, err := j.account.Events(ctx, position)
		return happened{batch, err}
	})
}

func (j *jobs) history(q client.Query, epoch int) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		messages, err := j.account.History(ctx, q)
		for i, m := range messages {
			messages[i] = cleanMessage(m)
		}
		return historyRead{q, epoch, messages, err}
	})
}

func (j *jobs) send(o outgoing) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		var m client.Message
		var err error
		switch {
		case o.edits != 0:
			m, err = j.account.Edit(ctx, o.edits, o.text)
		case o.replies != 0:
			m, err = j.account.Reply(ctx, o.replies, o.text)
		default:
			m, err = j.account.Send(ctx, o.to, o.text)
		}
		return sent{o, cleanMessage(m), err}
	})
}

func (j *jobs) markRead(contact string, cursor int64) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		return readMarked{j.account.MarkRead(ctx, contact, cursor)}
	})
}

func (j *jobs) connect(name, note string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		c, err := j.account.Connect(ctx, name, note)
		return answered{contact: cleanContact(c), line: strings.TrimSpace("/connect " + name + " " + note), err: err}
	})
}

// connectAside is connect for somebody who stays where they are.
func (j *jobs) connectAside(name, note string) tea.Cmd {
	ask := j.connect(name, note)
	return func() tea.Msg {
		a, ok := ask().(answered)
		if !ok {
			return nil // at the end
		}
		a.aside = true
		return a
	}
}

func (j *jobs) accept(name string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		c, err := j.account.Accept(ctx, name)
		return answered{contact: cleanContact(c), line: "/accept " + name, err: err}
	})
}

func (j *jobs) reject(name string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		return answered{contact: client.Contact{Name: name, State: client.Known}, line: "/reject " + name, err: j.account.Reject(ctx, name)}
	})
}

func (j *jobs) block(name string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		return answered{contact: client.Contact{Name: name, State: client.Blocked}, line: "/block " + name, err: j.account.Block(ctx, name)}
	})
}

func (j *jobs) safety(name string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		f, err := j.account.Safety(ctx, name)
		return safetyRead{name, cleanSafety(f), err}
	})
}

func (j *jobs) trust(name string, decision client.Decision, number string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		c, err := j.account.Trust(ctx, name, decision, number)
		return decided{name, decision, cleanContact(c), err}
	})
}

func (j *jobs) delete(cursor int64) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		_, err := j.account.Delete(ctx, cursor)
		return changed{err}
	})
}

func (j *jobs) react(cursor int64, emoji string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		_, err := j.account.React(ctx, cursor, emoji)
		return changed{err}
	})
}

func (j *jobs) disappear(contact string, after time.Duration) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		_, err := j.account.Disappear(ctx, contact, after)
		return changed{err}
	})
}

func (j *jobs) set(s client.Settings, word string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		return settingsSet{s, word, j.account.SetSettings(ctx, s)}
	})
}

func (j *jobs) typing(contact string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		j.account.Typing(ctx, contact) // nobody waits for it
		return typingTold{}
	})
}

func (j *jobs) setViews(views []client.View) tea.Cmd {
	if len(views) == 0 {
		return nil
	}
	return j.do(func(ctx context.Context) tea.Msg {
		for _, v := range views {
			if err := j.account.SetView(ctx, v); err != nil {
				return viewsKept{views, err}
			}
		}
		return viewsKept{views, nil}
	})
}

func (j *jobs) search(q client.Search) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		found, err := j.account.Search(ctx, q)
		for i, m := range found {
			found[i] = cleanMessage(m)
			found[i].Text = excerpt(found[i].Text, q.Find)
		}
		return searched{q, found, err}
	})
}

func (j *jobs) keepTheme(keep func(string) error, name string) tea.Cmd {
	return j.do(func(context.Context) tea.Msg { return themeKept{name, keep(name)} })
}

func (j *jobs) makeGroup(name string, members []string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		g, err := j.account.MakeGroup(ctx, name, members)
		return grouped{cleanGroup(g), "make " + name + " " + strings.Join(members, " "), true, err}
	})
}

func (j *jobs) changeGroup(name string, change client.GroupChange, line string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		g, err := j.account.ChangeGroup(ctx, name, change)
		return grouped{cleanGroup(g), line, false, err}
	})
}

func (j *jobs) sendFile(to, path, line string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		m, err := j.account.SendFile(ctx, to, path, "")
		return fileSent{cleanMessage(m), line, err}
	})
}

// saveFile makes the folder where it is not there yet: that of a new system.
func (j *jobs) saveFile(cursor int64, dir string) tea.Cmd {
	return j.do(func(ctx context.Context) tea.Msg {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fileSaved{err: err}
		}
		path, err := j.account.SaveFile(ctx, cursor, dir)
		return fileSaved{path, err}
	})
}

// paths looks into a folder, which may be on a disk that does not answer.
func (j *jobs) paths(typed string) tea.Cmd {
	return j.do(func(context.Context) tea.Msg { return pathsRead{typed, pathsIn(typed)} })
}
