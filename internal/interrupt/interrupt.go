// Package interrupt lets a person or a machine end a program in order, in both
// programs alike.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Context ends with ctrl-c, with SIGTERM, and with the terminal (SIGHUP, unless
// the program was started to outlive it, as by nohup). After that the same
// signals act at once: who asks twice does not want to wait.
func Context() (ctx context.Context, stop context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop = signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
