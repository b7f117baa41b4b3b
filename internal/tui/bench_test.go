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
			m := newModel(newJobs(context.Background(), f), false)
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
	m := newModel(newJobs(context.Background(), f), false)
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
