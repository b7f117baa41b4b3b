package main

import (
	"bufio"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/client"
)

// given are the lines in which these messages come to a bot.
func given(t *testing.T, numbers ...int) string {
	t.Helper()
	var lines strings.Builder
	for _, n := range numbers {
		m := client.Message{Cursor: int64(n), Type: client.TypeText, Text: stream{sender(0), recipient(0)}.text(n)}
		if err := json.NewEncoder(&lines).Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	return lines.String()
}

// TestBotNotices: each life may begin with what was given before; nothing else may
// come twice, early or never.
func TestBotNotices(t *testing.T) {
	other := strings.Replace(given(t, 3), `"text"`, `"missing"`, 1)
	for _, tt := range []struct {
		name  string
		lives []string
		wrong string // "" for nothing
		again int
	}{
		{"all", []string{given(t, 1, 2, 3, 4)}, "", 0},
		{"all, in two lives", []string{given(t, 1, 2, 3), given(t, 2, 3, 4)}, "", 2},
		{"nothing in between", []string{given(t, 1), "", given(t, 2, 3)}, "", 0},
		{"one skipped", []string{given(t, 1, 3)}, "skipped: behind message 1 comes 3", 0},
		{"one skipped at a death", []string{given(t, 1, 2), given(t, 4)}, "skipped: behind message 2 comes 4", 0},
		{"one skipped among those that come again", []string{given(t, 1, 2, 3), given(t, 1, 3)}, "skipped", 1},
		{"twice in one life", []string{given(t, 1, 2, 2)}, "out of order", 0},
		{"backwards", []string{given(t, 1, 2, 3, 1)}, "out of order", 0},
		{"a gap", []string{given(t, 1, 2) + other}, "lost", 0},
		{"half a line", []string{given(t, 1) + `{"cursor":2`}, "", 0},
	} {
		b := &bot{chat: chat{name: recipient(0)}, byHand: true, messages: 100, random: rand.New(rand.NewPCG(1, 1)), did: func(int) {}}
		var err error
		for _, life := range tt.lives {
			if err == nil {
				err = b.hear(bufio.NewReader(strings.NewReader(life)), io.Discard, 0, func() {}, new(atomic.Bool))
			}
		}
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) || b.repeats != tt.again {
			t.Errorf("%s: %v, %d again", tt.name, err, b.repeats)
		}
	}
}
