package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// Pauses between two tries to connect: half a second, doubled each time up to
// half a minute, each shortened by a random part so that the clients of a
// restarted relay do not all come at once. A connection that held for
// steadyAfter begins anew.
const (
	firstPause  = 500 * time.Millisecond
	longPause   = 30 * time.Second
	steadyAfter = 30 * time.Second

	// restartSpread is over how long the clients of a relay that says that it
	// restarts come back, the first time: it is there again in a moment.
	restartSpread = 2 * time.Second

	// hurryAfter is how soon behind a failed try something new in the outbox
	// may bring the next one forward: whoever has just sent something looks at
	// the screen, and the pause may have grown long.
	hurryAfter = 5 * time.Second
)

// closeTimeout is how long leaving may take on a line that is stuck.
const closeTimeout = 200 * time.Millisecond

// Run keeps the client connected until ctx ends, and returns ctx's error after
// its goroutines have ended. Readers of events are told then.
func (c *Client) Run(ctx context.Context) error {
	defer c.end(&Error{Code: CodeBusy, Text: "The program that held this profile has ended. Run the command again."})
	pause := firstPause
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { c.vanish(ctx) })
	others.Go(func() { c.carry(ctx) })
	var status Status
	if c.session.keys.Certificate.Version < crypto.EndToEndVersion {
		c.update(Status{State: Offline, Code: CodeRefused, Fatal: true, Reason: "This account was made by a version of chat from before the end-to-end protocol was complete. Its history can be read; to talk, make a new account: chat login NAME"})
		<-ctx.Done()
		return ctx.Err()
	}
	for ctx.Err() == nil {
		c.update(Status{State: Connecting, Reason: status.Reason, Code: status.Code})
		began := time.Now()
		err := c.connectOnce(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > steadyAfter {
			pause = firstPause
		}
		status = explain(err)
		if status.Fatal {
			c.update(status)
			<-ctx.Done()
			break
		}
		if status.Code == CodeKeyChanged || status.Code == CodeStorage {
			pause = longPause // it is for people to look into
		}
		wait := jitter(pause)
		slow, isSlow := slowed(err)
		switch {
		case isSlow:
			wait = max(wait, slow.pause())
		case closedWith(err, websocket.CloseServiceRestart) && pause < restartSpread:
			wait = random(restartSpread)
		}
		status.RetryAt = time.Now().Add(wait)
		if isSlow {
			status.Reason = "The relay asks this device to slow down; trying again at " + status.RetryAt.Format(time.TimeOnly) + "."
		}
		c.update(status)
		c.pause(ctx, wait, !isSlow)
		pause = min(2*pause, longPause)
	}
	return ctx.Err()
}

// pause waits until the next try is due, or, if it may hurry, there is
// something new to send. A new connection begins with the whole outbox, so
// taking the signal from its writer loses nothing.
func (c *Client) pause(ctx context.Context, wait time.Duration, hurry bool) {
	select {
	case <-c.wake: // of the connection that has ended
	default:
	}
	alone := wait
	if hurry {
		alone = min(wait, hurryAfter)
	}
	select {
	case <-time.After(alone):
	case <-ctx.Done():
	}
	select {
	case <-c.wake:
	case <-time.After(wait - alone):
	case <-ctx.Done():
	}
}

// end tells everybody who waits for something that nothing more will come.
func (c *Client) end(why error) {
	c.mu.Lock()
	c.failAsks(why)
	c.mu.Unlock()
	c.events.end(why)
}

func (c *Client) update(s Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setStatus(s)
	if s.State == Offline {
		c.failAsks(offlineError(s))
	}
}

// jitter gives between half and all of d.
func jitter(d time.Duration) time.Duration { return d/2 + random(d/2) }

// random gives between nothing and all of d.
func random(d time.Duration) time.Duration {
	var b [8]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(d+1))
}

func closedWith(err error, code int) bool {
	var closed *websocket.CloseError
	return errors.As(err, &closed) && closed.Code == code
}

// explain says for the user why a connection ended, and whether trying again
// by itself would be wrong. Another key than the pinned one is tried again: a
// network that intercepts until one has paid for it shows its own, and learns
// nothing from us.
func explain(err error) Status {
	s := Status{State: Offline, Reason: "The connection to the relay was lost."}
	var own *Error
	_, slow := slowed(err)
	switch {
	case closedWith(err, protocol.CloseTakenOver):
		s.Reason, s.Fatal = "This device has logged in from another program. End that one, then start chat again.", true
	case closedWith(err, protocol.CloseReplaced), errors.Is(err, errReplaced):
		s.Reason, s.Code, s.Fatal = replacedText, CodeRefused, true
	case closedWith(err, websocket.CloseServiceRestart):
		s.Reason = "The relay is restarting."
	case slow:
		s.Reason, s.Code = "The relay asks this device to slow down.", CodeRateLimit
	case errors.Is(err, errRelayBusy), closedWith(err, websocket.CloseInternalServerErr):
		s.Reason = "The relay cannot store anything at the moment."
	case errors.As(err, &own):
		s.Reason, s.Code = own.Text, own.Code
	case isTimeout(err):
		s.Reason = "The relay does not answer."
	}
	return s
}

// connectOnce dials, logs in, and reads and writes until something ends the
// connection. What has arrived is handled in this goroutine; its reader, its
// writer and who ends both run in three others that have ended when it returns.
func (c *Client) connectOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ws, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	hangUp := context.AfterFunc(ctx, func() { ws.Close() })
	err = c.login(ctx, ws)
	if !hangUp() {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	c.ack.Store(0)
	c.mu.Lock()
	c.setStatus(Status{State: Connected})
	c.hints = nil // of the connection before
	c.presence.Store(c.session.settings.Presence)
	c.share, c.shareAt = crypto.NewMessageID(), time.Time{}
	c.load()
	c.mu.Unlock()

	defer c.nobodyOnline()
	var others sync.WaitGroup
	defer others.Wait()
	in, owed := newInbox(), newOwed(ws.NetConn())
	defer in.close(net.ErrClosed) // lets go of a reader that waits for room
	defer cancel()
	written := make(chan struct{})
	others.Go(func() { in.close(read(ws, owed, in)) })
	others.Go(func() {
		defer close(written)
		defer ws.Close() // lets the reader return
		(&writer{Client: c, ws: ws, owed: owed}).run(ctx)
	})
	others.Go(func() { // lets go of a writer on a line that is stuck
		<-ctx.Done()
		select {
		case <-written:
		case <-time.After(closeTimeout):
			ws.Close()
		}
	})
	for {
		frames, err := in.take()
		if err == nil {
			err = c.handle(frames)
		}
		if err != nil {
			return err
		}
	}
}

// read hands on every frame until the connection ends.
func read(ws *websocket.Conn, owed *owed, in *inbox) error {
	pong := ws.PingHandler()
	ws.SetPingHandler(func(data string) error {
		owed.alive()
		return pong(data)
	})
	ws.SetPongHandler(func(string) error {
		owed.alive()
		return nil
	})
	for {
		owed.alive()
		frame, size, err := readFrame(ws)
		if err != nil {
			return err
		}
		owed.answered(frame)
		in.put(frame, size)
	}
}

// readFrame returns a frame, and how long it was.
func readFrame(ws *websocket.Conn) (protocol.Frame, int, error) {
	kind, b, err := ws.ReadMessage()
	if err != nil {
		return nil, 0, err
	}
	if kind != websocket.TextMessage {
		return nil, 0, &Error{Code: CodeRefused, Text: "The relay sent something that is no frame. Update the older of the two."}
	}
	f, err := protocol.DecodeFromRelay(b)
	if err != nil {
		return nil, 0, &Error{Code: CodeRefused, Err: err, Text: "The relay sent a frame that this version does not know. Update the older of the two."}
	}
	return f, len(b), nil
}

func writeFrame(ws *websocket.Conn, frame []byte) error {
	ws.SetWriteDeadline(time.Now().Add(protocol.WriteTimeout))
	return ws.WriteMessage(websocket.TextMessage, frame)
}
