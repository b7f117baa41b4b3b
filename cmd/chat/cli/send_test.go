package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

// Ctrl-c ends a whole pipeline: what has come through it by then is no message,
// and a part that never ends does not keep the command.
func TestInterruptedInput(t *testing.T) {
	t.Run("still open", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		defer w.Close()
		go func() {
			io.WriteString(w, "rm -rf /tmp/x") // returns when it is read
			cancel()
		}()
		if text, err := messageText(ctx, r, "", nil); !errors.Is(err, context.Canceled) || text != "" {
			t.Errorf("got %q, %v", text, err)
		}
	})
	t.Run("closed", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if text, err := messageText(ctx, strings.NewReader("rm -rf /tmp/x"), "", []string{"-"}); !errors.Is(err, context.Canceled) || text != "" {
			t.Errorf("got %q, %v", text, err)
		}
	})
}

func TestMessageText(t *testing.T) {
	long := strings.Repeat("x", client.MaxText)
	for _, c := range []struct {
		stdin string
		args  []string
		want  string
	}{
		{"in", nil, "in"},
		{"in\n", []string{"-"}, "in"},
		{"in\r\n", nil, "in"},
		{"in\n\n", nil, "in\n"},
		{"in", []string{"a", "-"}, "a -"},
		{long + "\n", nil, long},
	} {
		if got, err := messageText(t.Context(), strings.NewReader(c.stdin), "", c.args); err != nil || got != c.want {
			t.Errorf("%.20q %q gave %.20q, %v", c.stdin, c.args, got, err)
		}
	}
	if got, _ := messageText(t.Context(), strings.NewReader(long+"yz"), "-", nil); len(got) <= client.MaxText {
		t.Errorf("a text too long was cut to %d bytes", len(got))
	}
}
