package client

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"syscall"
)

// wsaeConnRefused is what Windows says when nobody listens.
const wsaeConnRefused = syscall.Errno(10061)

func isRefused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, wsaeConnRefused)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func isNoHost(err error) bool {
	var d *net.DNSError
	return errors.As(err, &d) && d.IsNotFound
}

func isPlainTLSMismatch(err error) bool {
	var r tls.RecordHeaderError
	return errors.As(err, &r) || errors.Is(err, http.ErrSchemeMismatch)
}
