package tui

import (
	"context"
	"maps"
	"slices"
	"strings"

	"secure-messaging/pkg/client"
)

// The groups and files of a fake.

func (f *fake) Groups(context.Context) ([]client.Group, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.groups), func(a, b client.Group) int { return strings.Compare(a.Name, b.Name) }), f.failing
}

func (f *fake) MakeGroup(_ context.Context, name string, members []string) (client.Group, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return client.Group{}, f.failing
	}
	return f.setGroup(f.group(name, f.identity.Username, members...)), nil
}

// group is a group of this account and others.
func (f *fake) group(name, owner string, members ...string) client.Group {
	g := client.Group{Name: client.GroupSign + name, ID: strings.Repeat("0", 32), State: client.Joined, Owner: owner, Epoch: 1}
	for _, m := range append(members, f.identity.Username) {
		g.Members = append(g.Members, f.member(m))
	}
	return g
}

func (f *fake) member(name string) client.Member {
	m := client.Member{Name: name, Fingerprint: bobsPrint, Reach: client.Stranger}
	switch c := f.contacts[name]; {
	case name == f.identity.Username:
		m.Reach = client.Self
	case c.State == client.Accepted:
		m.Reach = client.Reached
	}
	return m
}

func (f *fake) setGroup(g client.Group) client.Group {
	slices.SortFunc(g.Members, func(a, b client.Member) int { return strings.Compare(a.Name, b.Name) })
	f.groups[g.Name] = g
	f.publish(client.Event{Kind: client.GroupChanged, Group: &g})
	return g
}

func (f *fake) ChangeGroup(_ context.Context, name string, change client.GroupChange) (client.Group, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, ok := f.groups[name]
	switch {
	case f.failing != nil:
		return g, f.failing
	case !ok:
		return g, &client.Error{Code: client.CodeNotFound, Text: "There is no group " + name + "."}
	case change.Leave:
		g.State = client.Left
		return f.setGroup(g), nil
	}
	for _, name := range change.Add {
		g.Members = append(g.Members, f.member(name))
	}
	g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m client.Member) bool { return slices.Contains(change.Remove, m.Name) })
	if change.Owner != "" {
		g.Owner = change.Owner
	}
	if change.Disappear != nil {
		g.Disappear = *change.Disappear
	}
	g.Epoch++
	return f.setGroup(g), nil
}

// together puts this account and others into a group.
func (f *fake) together(name, owner string, members ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setGroup(f.group(name, owner, members...))
}

// regroups lets a group become other than it was.
func (f *fake) regroups(name string, how func(*client.Group)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.groups[name]
	how(&g)
	f.setGroup(g)
}

// saysIn lets a member's message come in.
func (f *fake) saysIn(group, from, text string) client.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(client.Message{Contact: group, From: from, Type: client.TypeText, Text: text, State: client.Received, Unread: true})
}

// reports lets a group's news come in, of others or of this account.
func (f *fake) reports(group, from, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := client.Message{Contact: group, From: from, Type: client.TypeGroup, Text: text, State: client.Received}
	if from == f.identity.Username {
		m.State = client.Delivered
	}
	f.add(m)
}

func (f *fake) SendFile(_ context.Context, to, path, text string) (client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return client.Message{}, f.failing
	}
	f.sentFiles = append(f.sentFiles, path)
	file := &client.File{Name: path[strings.LastIndexByte(path, '/')+1:], Size: 2_300_000}
	return f.add(client.Message{Contact: to, From: f.identity.Username, Type: client.TypeFile, Text: text, File: file, State: client.Waiting}), nil
}

func (f *fake) SaveFile(_ context.Context, cursor int64, path string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return "", f.failing
	}
	m := &f.messages[cursor-1]
	file := *m.File
	file.Done, file.Saved = 0, path+"/"+file.Name
	m.File = &file
	changed := *m
	f.publish(client.Event{Kind: client.MessageChanged, Message: &changed})
	return file.Saved, nil
}
