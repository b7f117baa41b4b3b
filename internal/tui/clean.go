package tui

import (
	"slices"
	"strings"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// All that comes from the account passes through here on its way into the
// model, so that nothing which others wrote can be shown uncleaned. Names are
// cleaned too: the account vouches for them, but a bot's account may be
// anything that implements the interface.

func cleanMessage(m client.Message) client.Message {
	m.Contact, m.From = sanitize.Line(m.Contact), sanitize.Line(m.From)
	m.Type, m.Reason = sanitize.Line(m.Type), sanitize.Line(m.Reason)
	m.Text = sanitize.Text(m.Text)
	if m.File != nil {
		f := *m.File
		f.Name, f.Saved = sanitize.Line(f.Name), sanitize.Line(f.Saved)
		m.File = &f
	}
	if m.Reply != nil {
		q := *m.Reply
		q.From, q.Text = sanitize.Line(q.From), sanitize.Line(q.Text)
		m.Reply = &q
	}
	m.Reactions = slices.Clone(m.Reactions)
	for i, r := range m.Reactions {
		m.Reactions[i] = client.Reaction{From: sanitize.Line(r.From), Emoji: sanitize.Line(r.Emoji)}
	}
	return m
}

func cleanContact(c client.Contact) client.Contact {
	c.Name, c.Fingerprint = sanitize.Line(c.Name), sanitize.Line(c.Fingerprint)
	c.Note = sanitize.Text(c.Note)
	return c
}

func cleanGroup(g client.Group) client.Group {
	g.Name, g.Owner = sanitize.Line(g.Name), sanitize.Line(g.Owner)
	g.Members = slices.Clone(g.Members)
	for i, o := range g.Members {
		g.Members[i].Name, g.Members[i].Fingerprint = sanitize.Line(o.Name), sanitize.Line(o.Fingerprint)
	}
	return g
}

// cleanView cleans what the user wrote, too: a profile may be put back from
// anywhere.
func cleanView(v client.View) client.View {
	v.Contact, v.Draft = sanitize.Line(v.Contact), sanitize.Text(v.Draft)
	return v
}

// cleanSafety leaves the texts of the QR codes: they are drawn, never written.
func cleanSafety(f client.Safety) client.Safety {
	f.Name, f.Number, f.Offered = sanitize.Line(f.Name), sanitize.Line(f.Number), sanitize.Line(f.Offered)
	return f
}

func cleanIdentity(id client.Identity) client.Identity {
	id.Username, id.Server = sanitize.Line(id.Username), sanitize.Line(id.Server)
	id.Fingerprint = sanitize.Line(id.Fingerprint)
	return id
}

func cleanStatus(s client.Status) client.Status {
	s.Reason = sanitize.Line(s.Reason)
	return s
}

func cleanError(err error) string { return inside.Replace(sanitize.Line(err.Error())) }

func cleanWarning(text string) string { return inside.Replace(sanitize.Line(text)) }

// inside makes advice for a shell, which is what the account gives, advice
// for this screen.
var inside = strings.NewReplacer(
	"chat connect ", "/connect ", "chat accept ", "/accept ", "chat verify ", "/verify ",
	"chat requests", "/accept",
)
