package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// speak makes this test a process that says something, half a line too, and
// waits for the end of its input.
const speak = "SOAK_TEST_SPEAK"

func TestMain(m *testing.M) {
	if os.Getenv(speak) != "" {
		fmt.Print("whole\nhal")
		io.Copy(io.Discard, os.Stdin)
		fmt.Println("f")
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// speaker counts its processes and hands out what happens.
type speaker struct {
	begun int
	lines chan string
	codes chan int
	fail  error
}

func (s *speaker) command() *exec.Cmd {
	s.begun++
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), speak+"=1")
	return cmd
}

func (s *speaker) line(line string) error {
	s.lines <- line
	return s.fail
}

func (s *speaker) over(code int, _ string) (bool, error) {
	s.codes <- code
	return code == 0, nil
}

func startMember(t *testing.T) (*member, *speaker, context.Context) {
	t.Helper()
	s := &speaker{lines: make(chan string, 10), codes: make(chan int, 10)}
	m := newMember("somebody", s)
	ctx, fail := context.WithCancelCause(context.Background())
	go m.run(ctx, fail)
	t.Cleanup(func() {
		fail(nil)
		<-m.ended
	})
	return m, s, ctx
}

// A killed process comes again; half a line of it counts for nothing.
func TestKilledComesAgain(t *testing.T) {
	m, s, _ := startMember(t)
	for range 3 {
		if line := <-s.lines; line != "whole" {
			t.Fatalf("it says %q", line)
		}
		if !m.kill() {
			t.Fatal("nothing was killed")
		}
		if code := <-s.codes; code != killed {
			t.Fatalf("the code is %d", code)
		}
	}
	<-s.lines
	m.leave(true)
	if code, line := <-s.codes, <-s.lines; code != 0 || line != "half" {
		t.Errorf("it leaves with %d and %q", code, line)
	}
	if s.begun != 4 || m.kill() {
		t.Errorf("%d processes, one of which may run", s.begun)
	}
}

func TestHeldDoesNotBegin(t *testing.T) {
	m, s, _ := startMember(t)
	<-s.lines
	m.hold()
	if code := <-s.codes; code != killed || m.kill() {
		t.Fatalf("after hold, the code is %d, or a process runs", code)
	}
	m.release()
	<-s.lines
	m.leave(false)
	if code := <-s.codes; code != killed {
		t.Errorf("it leaves with %d", code)
	}
}

func TestALineThatIsWrongEndsTheRun(t *testing.T) {
	s := &speaker{lines: make(chan string, 10), codes: make(chan int, 10), fail: errLimit}
	m := newMember("somebody", s)
	ctx, fail := context.WithCancelCause(context.Background())
	m.run(ctx, fail)
	if cause := context.Cause(ctx); cause == nil || cause.Error() != "somebody: the limit" {
		t.Errorf("the run has failed with %v", cause)
	}
}
