package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"

	"secure-messaging/pkg/relay/ratelimit"
)

// errShutdown is what Serve gives when there is nothing to serve any more.
var errShutdown = errors.New("the relay has been shut down")

// Serve accepts connections from the listener until Shutdown is called, ctx
// ends, or the store fails, and closes it. A nil tlsConfig means plain HTTP.
// It returns nil after Shutdown, ctx's error, Err, or why the listener failed.
// The caller still has to call Shutdown, which waits for the connections.
func (r *Relay) Serve(ctx context.Context, ln net.Listener, tlsConfig *tls.Config) error {
	server := &http.Server{
		Handler:           r.handler,
		TLSConfig:         tlsConfig,
		ReadHeaderTimeout: headerTimeout, // the TLS handshake has to keep it too
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         r.limitHTTP,
		ErrorLog:          log.New(httpLog{r.log}, "", 0),
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true) // a WebSocket needs it
	if !r.addServer(server) {
		ln.Close()
		return errShutdown
	}
	served := make(chan error, 1)
	go func() {
		if tlsConfig == nil {
			served <- server.Serve(ln)
		} else {
			served <- server.ServeTLS(ln, "", "")
		}
	}()
	var err error
	select {
	case err = <-served:
		if errors.Is(err, http.ErrServerClosed) {
			err = nil // Shutdown has closed it
		}
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-r.fatal:
		err = r.fatalErr
	}
	ln.Close()
	<-served
	return err
}

// addServer notes a server for Shutdown, which waits for its last requests.
func (r *Relay) addServer(s *http.Server) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ending != nil {
		return false
	}
	r.servers = append(r.servers, s)
	return true
}

// httpLog takes what net/http has to say: faults of peers, and panics.
type httpLog struct{ log *slog.Logger }

var peerAddress = regexp.MustCompile(`\b(from|serving) \S+:`)

// Write logs a line without the address of the peer in it.
func (l httpLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(peerAddress.ReplaceAllString(string(line), "$1 a peer:"))
	if strings.Contains(text, "panic") {
		l.log.Error("a fault of the relay", "error", text)
	} else {
		l.log.Debug("HTTP", "error", text)
	}
	return len(line), nil
}

// Shutdown stops accepting, closes every connection with 1012 and waits for
// all that the relay has started. When ctx ends first, it closes the sockets
// without ceremony, waits on, and returns ctx's error. After it has returned,
// the relay does not touch its stores any more. A relay whose store has failed
// may be stuck in it: then Shutdown gives up when ctx ends.
func (r *Relay) Shutdown(ctx context.Context) error {
	servers := r.endAll(closeRestart)
	r.transfers.end()
	r.presence.stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, s := range servers {
			if s.Shutdown(ctx) != nil {
				s.Close()
			}
		}
		r.connsEnd.Wait()
		r.transfers.wait()
	}()
	defer r.cancel()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	r.cancel()
	r.killAll()
	if r.Err() == nil {
		<-ended
	}
	return ctx.Err()
}

// endAll admits no further connection, asks every one to close, and returns
// the servers. The first reason counts.
func (r *Relay) endAll(why *closeReason) []*http.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ending == nil {
		r.ending = why
	}
	for c := range r.conns {
		c.requestClose(r.ending)
	}
	return r.servers
}

// killAll closes every socket.
func (r *Relay) killAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.raw.Close()
	}
}

// admit finds a place for a WebSocket. Whoever it admits must leave. It says
// whether another address might have found one.
func (r *Relay) admit(who ratelimit.Address) (ok, crowded bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ending != nil:
		return false, false
	case int64(r.sockets) >= r.limits.Connections:
		r.counters.add(CountFull)
		return false, false
	case int64(r.pending) >= r.limits.PendingLogins:
		r.counters.add(CountPendingFull)
		return false, false
	case !r.limiters.ConnectionsOf.Enter(who):
		r.counters.add(CountFull)
		return false, true
	case !r.limiters.PendingLoginsOf.Enter(who):
		r.limiters.ConnectionsOf.Leave(who)
		r.counters.add(CountPendingFull)
		return false, true
	}
	r.sockets++
	r.pending++
	r.connsEnd.Add(1)
	return true, false
}

// enter makes an admitted WebSocket known to Shutdown.
func (r *Relay) enter(c *conn) {
	r.counters.add(CountConnections)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = struct{}{}
	if r.ending != nil {
		c.requestClose(r.ending)
	}
}

// decided frees the place of one who has logged in, or will not.
func (r *Relay) decided(who ratelimit.Address) {
	r.limiters.PendingLoginsOf.Leave(who)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending--
}

// leave frees the place of a WebSocket.
func (r *Relay) leave(c *conn, who ratelimit.Address) {
	r.limiters.ConnectionsOf.Leave(who)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	r.sockets--
	r.connsEnd.Done()
}
