package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// inherited returns the socket that the service manager listens on for the relay
// (sd_listen_fds(3)), or nil where there is none. Connections wait in it while the
// relay is started again.
func inherited() (net.Listener, error) {
	sockets, _ := activation.Listeners() // never fails: nil stands for what is no stream
	switch {
	case len(sockets) == 0:
		return nil, nil
	case len(sockets) > 1:
		return nil, fmt.Errorf("the service manager hands over %d sockets; the relay listens on one: leave one ListenStream", len(sockets))
	case sockets[0] == nil || sockets[0].Addr().Network() != "tcp":
		return nil, errors.New("the service manager hands over a socket that is not for TCP; its ListenStream is a port, or an address and a port")
	}
	return sockets[0], nil
}

// notify tells the service manager, if there is one, how the relay stands
// (sd_notify(3)): now that it is ready, and when ctx ends that it stops. The caller
// calls told before it ends, which waits for the second.
func notify(ctx context.Context, log *slog.Logger) (told func()) {
	say := func(state string) {
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("the service manager cannot be told", "state", state, "error", err)
		}
	}
	say(daemon.SdNotifyReady)
	stopping := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(stopping)
		say(daemon.SdNotifyStopping)
	})
	return func() {
		if !cancel() {
			<-stopping
		}
	}
}
