package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// BenchmarkKey is what a key press costs, from the key to the view, with a
// full conversation in memory and with the longest text in the composer.
func BenchmarkKey(b *testing.B) {
	for name, text := range map[string]string{
		"empty": "", "long": strings.Repeat("some words in a line\n", client.MaxText/21), "one line": strings.Repeat("words ", client.MaxText/6),
	} {
		b.Run(name, func(b *testing.B) {
			f := newFake()
			history(maxLoaded)(f)
			m := newModel(newJobs(context.Background(), f), Options{})
			m.Update(tea.WindowSizeMsg{Width: 160, Height: 45})
			m.Update(m.jobs.open()())
			for i, msg := range f.messages {
				f.messages[i] = cleanMessage(msg)
				m.threads["bob"].put(msg)
			}
			m.composer.set(text)
			for b.Loop() {
				m.Update(tea.KeyPressMsg{Code: 'x', Text: "x"})
				_ = m.View()
				m.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
				_ = m.View()
			}
		})
	}
}

func BenchmarkBatch(b *testing.B) {
	f := newFake()
	withBob(f)
	m := newModel(newJobs(context.Background(), f), Options{})
	m.Update(tea.WindowSizeMsg{Width: 160, Height: 45})
	m.Update(m.jobs.open()())
	var batch client.Batch
	for i := range 8000 {
		msg := client.Message{Cursor: int64(i + 1), Contact: "bob", From: "bob", Type: client.TypeText, Text: fmt.Sprint("number ", i), State: client.Received}
		batch.Events = append(batch.Events, client.Event{Kind: client.MessageAdded, Message: &msg})
	}
	for b.Loop() {
		m.threads["bob"] = newThread("bob")
		m.Update(happened{batch: batch})
		_ = m.View()
	}
}

// BenchmarkBatchOfMany is the largest batch that an account gives, of people
// among ten thousand, each with a message and an unread mark.
func BenchmarkBatchOfMany(b *testing.B) {
	f := newFake()
	for i := range 10_000 {
		f.contacts[fmt.Sprint("person", i)] = client.Contact{Name: fmt.Sprint("person", i), State: client.Accepted}
	}
	m := newModel(newJobs(context.Background(), f), Options{})
	m.Update(tea.WindowSizeMsg{Width: 160, Height: 45})
	m.Update(m.jobs.open()())
	var batch client.Batch
	for i := range 512 {
		c := f.contacts[fmt.Sprint("person", 17*i)]
		c.Unread = 1
		msg := client.Message{Cursor: int64(i + 1), Contact: c.Name, From: c.Name, Type: client.TypeText, Text: strings.Repeat("some words ", 45), State: client.Received}
		batch.Events = append(batch.Events, client.Event{Kind: client.MessageAdded, Message: &msg}, client.Event{Kind: client.ContactChanged, Contact: &c})
	}
	for b.Loop() {
		m.Update(happened{batch: batch})
		_ = m.View()
	}
}

// BenchmarkScroll is what a page back and forth costs, with as much in memory as
// may be.
func BenchmarkScroll(b *testing.B) {
	for name, n := range map[string]int{"100": 100, "full": maxLoaded} {
		b.Run(name, func(b *testing.B) {
			f := newFake()
			history(n)(f)
			m := newModel(newJobs(context.Background(), f), Options{})
			m.Update(tea.WindowSizeMsg{Width: 160, Height: 45})
			m.Update(m.jobs.open()())
			for _, msg := range f.messages {
				m.threads["bob"].put(cleanMessage(msg))
			}
			for b.Loop() {
				m.Update(tea.KeyPressMsg{Code: tea.KeyPgUp})
				_ = m.View()
				m.Update(tea.KeyPressMsg{Code: tea.KeyPgDown})
				_ = m.View()
			}
		})
	}
}
