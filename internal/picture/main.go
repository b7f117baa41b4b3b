// Command picture draws what the terminal interface looks like, as SVG.
//
//	go run ./internal/picture [-o docs/chat.svg]
//
// Nothing of it is posed but what is said: both programs are built from this
// source, a relay runs on loopback, friends write, and the cells that the client
// has put into its terminal are what is drawn.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/charmbracelet/x/vt"

	"secure-messaging/internal/stage"
)

// limit bounds the whole; it takes a few seconds.
const limit = 2 * time.Minute

// The size of the terminal: what a page of documentation shows at full size.
const (
	cols = 100
	rows = 32
)

func main() {
	out := flag.String("o", "docs/chat.svg", "where the picture goes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	svg, err := take(ctx)
	if err == nil {
		err = os.WriteFile(*out, svg, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

// take lets the scene play and draws its end.
func take(ctx context.Context) (svg []byte, err error) {
	dir, err := os.MkdirTemp("", "picture-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	house, err := stage.Open(ctx, dir, "127.0.0.1:8443")
	if err != nil { // somebody has that port
		house, err = stage.Open(ctx, dir, stage.Anywhere)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, house.Close()) }()
	house.Server.Host = "localhost"
	s := &scene{house: house}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.play(ctx); err != nil {
		return nil, err
	}
	s.screen.Look(func(e *vt.Emulator) { svg = draw(e) })
	return svg, nil
}
