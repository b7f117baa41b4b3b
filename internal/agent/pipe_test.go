package agent

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

// piped answers lines on a pipe until they end.
func piped(t *testing.T, account client.Account, lines string) (answers string, err error) {
	t.Helper()
	var out strings.Builder
	err = ServePipe(t.Context(), account, strings.NewReader(lines), &out)
	return out.String(), err
}

// What was asked is answered before the end, without a hello, and what waits for
// something to happen ends.
func TestPipeEnds(t *testing.T) {
	f := &fake{answer: someIdentity, events: func(ctx context.Context, _ uint64) (client.Batch, error) {
		<-ctx.Done()
		return client.Batch{}, ctx.Err()
	}}
	got, err := piped(t, f, `{"jsonrpc":"2.0","id":"a","method":"events","params":{"after":1}}
{"jsonrpc":"2.0","id":1,"method":"identity","params":{"unknown":true}}
{"jsonrpc":"2.0","id":2,"method":"nonsense"}
not JSON
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":1,"result":{"username":`, `"id":2,"error":{"code":-32601`, `"id":"a","error":{"code":1,"message":"The program that held`, `"error":{"code":-32700`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "\n"); n != 4 {
		t.Errorf("%d lines:\n%s", n, got)
	}
}

// A peer that breaks the rules hears which.
func TestPipeRules(t *testing.T) {
	for name, lines := range map[string]string{
		"batch":     "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"identity\"}]\n",
		"no id":     "{\"jsonrpc\":\"2.0\",\"method\":\"identity\"}\n",
		"not UTF-8": "\xff\n",
		"too long":  strings.Repeat(" ", maxRequest+1),
	} {
		if _, err := piped(t, &fake{}, lines); !errors.Is(err, client.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A request without an id ends it at once, whether or not the input does.
func TestPipeNoID(t *testing.T) {
	in, write := io.Pipe()
	defer write.Close()
	done := make(chan error, 1)
	go func() { done <- ServePipe(t.Context(), &fake{}, in, io.Discard) }()
	io.WriteString(write, "{\"jsonrpc\":\"2.0\",\"method\":\"identity\"}\n")
	if err := <-done; !errors.Is(err, client.ErrUsage) {
		t.Errorf("it ended with %v", err)
	}
}

// The end of the context ends it, whether or not the input does.
func TestPipeInterrupted(t *testing.T) {
	in, write := io.Pipe()
	defer write.Close()
	ctx, cancel := context.WithCancel(t.Context())
	out, answers := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- ServePipe(ctx, &fake{answer: someStatus}, in, answers) }()
	io.WriteString(write, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n")
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// An agent leaves when it is asked; a screen and a command say where to end them.
func TestLeave(t *testing.T) {
	o := own(t, &fake{})
	r := o.dial(t)
	h, err := r.Holder(t.Context())
	if err != nil || h.Kind != Command || h.PID != os.Getpid() || h.Since.IsZero() {
		t.Errorf("held by %+v, %v", h, err)
	}
	if err := r.Leave(t.Context()); !errors.Is(err, client.ErrBusy) {
		t.Errorf("a command: %v", err)
	}
	for kind, leaves := range map[Kind]bool{Command: false, Screen: false, Agent: true} {
		s := NewServer(&fake{})
		s.Kind = kind
		for range 2 {
			if _, err := s.leave(t.Context(), none{}); (err == nil) != leaves {
				t.Errorf("%s: %v", kind, err)
			}
		}
		select {
		case <-s.Asked():
			if !leaves {
				t.Errorf("%s leaves", kind)
			}
		default:
			if leaves {
				t.Errorf("%s stays", kind)
			}
		}
	}
}

// The documents name every method.
func TestMethodsAreDocumented(t *testing.T) {
	for _, file := range []string{"doc.go", "../../docs/RPC.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name := range NewServer(&fake{}).methods(t.Context()) {
			if !strings.Contains(string(text), "\n//\t"+name+" ") && !strings.Contains(string(text), "\n| `"+name+"` |") {
				t.Errorf("%s does not name %s", file, name)
			}
		}
	}
}
