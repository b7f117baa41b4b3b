package relay

import (
	"io"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/protocol"
)

// closeReason says why a connection ends. A code of 0 means that there is
// nobody to tell, or that they know.
type closeReason struct {
	code  int
	text  string
	count Counter // empty for what is no fault
	cut   bool    // what waits to be written is dropped
}

var (
	closePeer         = &closeReason{text: "the peer has gone"}
	closeRestart      = &closeReason{code: websocket.CloseServiceRestart, text: "the relay restarts; come back"}
	closeStore        = &closeReason{code: websocket.CloseInternalServerErr, text: "the relay cannot store; come back later", count: CountStoreClosed}
	closeTakenOver    = &closeReason{code: protocol.CloseTakenOver, text: "this device has logged in elsewhere", count: CountTakeovers}
	closeReplaced     = &closeReason{code: protocol.CloseReplaced, text: "another device has taken the place of this one"}
	closeSuspended    = &closeReason{code: websocket.ClosePolicyViolation, text: "the relay's operator has suspended this account", count: CountSuspended}
	closeSlow         = &closeReason{code: protocol.CloseSlow, text: "answers are not read", count: CountSlow, cut: true}
	closeUnacked      = &closeReason{code: protocol.CloseSlow, text: "frames are not acked", count: CountUnacked}
	closeBinary       = &closeReason{code: websocket.CloseUnsupportedData, text: "frames are text", count: CountBinary}
	closeMalformed    = &closeReason{code: websocket.ClosePolicyViolation, text: "too many malformed frames", count: CountMalformed}
	closeLogin        = &closeReason{code: websocket.ClosePolicyViolation, text: "not logged in"}
	closeLoginTimeout = &closeReason{code: websocket.ClosePolicyViolation, text: "no login in time", count: CountLoginTimeout}
	closeLoginBroken  = &closeReason{text: "the peer has gone before login", count: CountLoginBroken}
	closeOversize     = &closeReason{text: "a frame is too large", count: CountOversize} // the WebSocket library has told them
	closeSilent       = &closeReason{text: "the peer is silent", count: CountSilent}
	closeWrite        = &closeReason{text: "the peer takes no frames", count: CountWriteFailed, cut: true}
)

// longAgo as a deadline ends a read at once.
var longAgo = time.Unix(1, 0)

// requestClose asks the connection to end. The first reason counts. The reader
// stops, commits under way are awaited, their receipts and the close frame
// are written; whatever takes longer than closeGrace loses its socket.
func (c *conn) requestClose(why *closeReason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return
	}
	c.why = why
	close(c.closing)
	c.net.SetReadDeadline(longAgo)
	c.grace = time.AfterFunc(closeGrace, func() { c.raw.Close() })
	c.signal()
	if why.count != "" {
		c.relay.counters.add(why.count)
	}
}

// ends reports whether the connection is to end.
func (c *conn) ends() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// alive gives the peer time to be heard of again. It is false once the
// connection is to end.
func (c *conn) alive(within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return false
	}
	c.net.SetReadDeadline(time.Now().Add(within))
	return true
}

// writeClose tells the peer why. Only the goroutine that writes may call it.
func (c *conn) writeClose() {
	c.mu.Lock()
	why := c.why
	c.mu.Unlock()
	if why.code != 0 {
		c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(why.code, why.text), time.Now().Add(closeGrace))
	}
}

// hangUp closes the socket, after the peer has had time to read why: closing
// it with input unread would make the kernel throw away the output.
func (c *conn) hangUp() {
	if c.why.code != 0 || c.why == closeOversize {
		c.net.SetReadDeadline(time.Now().Add(lingerTime))
		io.Copy(io.Discard, c.net)
	}
	c.net.Close()
	c.grace.Stop()
	c.relay.log.Debug("connection ended", "conn", c.id, "code", c.why.code, "why", c.why.text)
}
