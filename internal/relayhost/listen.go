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
	"listen on a loopback address such as 127.0.0.1, behind a proxy that does TLS, or leave TLS on")

func listen(addr string, plain bool) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use; end the program that listens there, or choose another port: %w", addr, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("not allowed to listen on %s; choose a port above 1023: %w", addr, err)
	case err != nil:
		return nil, fmt.Errorf("listen: %w", err)
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); plain && !(ok && tcp.IP.IsLoopback()) {
		ln.Close()
		return nil, errPlain
	}
	return ln, nil
}
