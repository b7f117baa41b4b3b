package relayhost

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
)

// errPlain is the refusal of plain HTTP for the world.
var errPlain = errors.New("without TLS, anybody on the way sees who talks to whom; " +
	"listen on a loopback address such as 127.0.0.1, behind a proxy that does TLS, or leave TLS on; " +
	"--plain-anywhere if nobody else is on the way to your proxy")

func listen(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use; end the program that listens there, or choose another port (if it is the relay's socket unit, start the relay's service unit): %w", addr, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("not allowed to listen on %s; choose a port above 1023: %w", addr, err)
	case err != nil:
		return nil, fmt.Errorf("listen: %w", err)
	}
	return ln, nil
}

// checkListener refuses plain HTTP where the world can reach it.
func checkListener(ln net.Listener, t TLS) error {
	if tcp, ok := ln.Addr().(*net.TCPAddr); t.Mode == Off && !t.PlainAnywhere && !(ok && tcp.IP.IsLoopback()) {
		return errPlain
	}
	return nil
}
