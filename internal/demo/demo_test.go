package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"secure-messaging/pkg/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inEmptyTemp gives the demo a temporary folder of its own, and checks that
// nothing is left in it.
func inEmptyTemp(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(dir, "run")) // is not there, and need not be
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Error(err)
		}
		for _, e := range left {
			t.Errorf("%s is left behind", e.Name())
		}
	})
}

func TestScript(t *testing.T) {
	inEmptyTemp(t)
	var out strings.Builder
	if err := Script(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.HasSuffix(out.String(), "done; nothing is left behind\n") {
		t.Errorf("it ends with\n%s", out.String())
	}
}

func TestScriptInterrupted(t *testing.T) {
	inEmptyTemp(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := writer(func(b []byte) (int, error) {
		if strings.Contains(string(b), "sees the request") {
			cancel()
		}
		return len(b), nil
	})
	if err := Script(ctx, w); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// TestRun is the demo with somebody at the screen: the friend asks, and
// answers.
func TestRun(t *testing.T) {
	inEmptyTemp(t)
	err := Run(t.Context(), func(ctx context.Context, you client.Account) error {
		if _, err := awaitContact(ctx, you, Friend, client.Incoming); err != nil {
			return err
		}
		if _, err := you.Accept(ctx, Friend); err != nil {
			return err
		}
		if _, err := awaitTexts(ctx, you, Friend, greeting); err != nil {
			return err
		}
		if _, err := you.Send(ctx, Friend, "Help me, please"); err != nil {
			return err
		}
		answers, err := awaitTexts(ctx, you, Friend, topics[0].answer)
		if err != nil {
			return err
		}
		if q := answers[len(answers)-1].Reply; q == nil || q.Text != "Help me, please" {
			t.Errorf("the answer is about %+v", q)
		}
		if _, err := you.Send(ctx, Friend, "xyzzy"); err != nil {
			return err
		}
		_, err = awaitTexts(ctx, you, Friend, hints[1])
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRunFails(t *testing.T) {
	inEmptyTemp(t)
	broken := errors.New("no screen")
	if err := Run(t.Context(), func(context.Context, client.Account) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
