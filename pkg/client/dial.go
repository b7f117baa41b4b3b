package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// dial opens a WebSocket to the relay.
func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	k, outer := c.session.keys, ctx
	d := websocket.Dialer{
		Proxy:            proxy,
		HandshakeTimeout: httpTimeout,
		TLSClientConfig:  k.tlsConfig(),
	}
	var line *boundedConn
	hangUp := func() bool { return true }
	d.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dial := c.netDial
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetWriteBuffer(sendBuffer)
		}
		line = &boundedConn{Conn: conn}
		line.left.Store(maxHandshake)
		// The library does not look at ctx while it waits for the answer.
		hangUp = context.AfterFunc(outer, func() { conn.Close() })
		return line, nil
	}
	defer func() { hangUp() }()
	ws, resp, err := d.DialContext(ctx, k.Server.socket(protocol.PathSocket), nil)
	if shownAnother(err) {
		hangUp()
		first := err
		d.TLSClientConfig = misnamed(d.TLSClientConfig)
		ws, resp, err = d.DialContext(ctx, k.Server.socket(protocol.PathSocket), nil)
		err = ofTwoTries(first, err)
	}
	if err != nil {
		switch {
		case resp == nil:
			return nil, unreachable(k.Server, err)
		case resp.StatusCode == http.StatusTooManyRequests:
			return nil, tooFast(k.Server, slowHeader(resp.Header))
		case resp.StatusCode == http.StatusServiceUnavailable:
			return nil, &Error{Code: CodeUnreachable, Err: err, Text: fmt.Sprintf("The relay at %s takes no more connections at the moment. Try again later, or tell its operator.", k.Server.Address())}
		}
		return nil, notLikeRelay(k.Server, resp.StatusCode)
	}
	line.left.Store(math.MaxInt64)
	ws.SetReadLimit(protocol.MaxFrame)
	return ws, nil
}

// sendBuffer is what the system may keep of what was written, in bytes: on a
// slow line an ack must not wait behind megabytes of messages until the relay
// takes the device for gone.
const sendBuffer = 64 << 10

// maxHandshake bounds what a relay, or a proxy, may say before the WebSocket is
// open: TLS certificates and headers take a few kilobytes, and the library
// that reads the headers has no limit of its own.
const maxHandshake = 64 << 10

// boundedConn ends when more was read than it has left.
type boundedConn struct {
	net.Conn
	left atomic.Int64 // bytes
}

var errHandshake = errors.New("the answer to the WebSocket handshake does not end")

// Read implements net.Conn.
func (b *boundedConn) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if b.left.Add(-int64(n)) < 0 {
		return 0, errHandshake
	}
	return n, err
}

// login answers the relay's challenge and checks its answer.
func (c *Client) login(ctx context.Context, ws *websocket.Conn) error {
	k := c.session.keys
	ws.SetReadDeadline(time.Now().Add(protocol.LoginTimeout))
	frame, _, err := readFrame(ws)
	if err != nil {
		return err
	}
	challenge, ok := frame.(*protocol.Challenge)
	if !ok {
		return notARelay(k.Server)
	}
	if challenge.Version != protocol.Version {
		return otherVersion(challenge.Version)
	}
	if challenge.Relay != k.Relay {
		return relayKeyChanged(k.Server, challenge.Relay.Fingerprint())
	}
	if !crypto.VerifyChallenge(k.Relay, challenge.Nonce, challenge.Signature) {
		return keyNotProved(k.Server, nil)
	}
	proof := crypto.Login{
		Relay: k.Relay, Host: k.Server.Host, Certificate: k.Certificate.Hash(), Address: k.Certificate.Address(),
		RelayNonce: challenge.Nonce, ClientNonce: crypto.NewNonce(),
	}
	answer := &protocol.Authenticate{Address: proof.Address, Host: proof.Host, Nonce: proof.ClientNonce, Signature: proof.Sign(k.Device)}
	if err := writeFrame(ws, protocol.Encode(answer)); err != nil {
		return err
	}
	if frame, _, err = readFrame(ws); err != nil {
		return err
	}
	switch f := frame.(type) {
	case *protocol.Authenticated:
		if !proof.VerifyWelcome(f.Signature) {
			return keyNotProved(k.Server, nil)
		}
		return nil
	case *protocol.Error:
		switch f.Code {
		case protocol.CodeUnavailable:
			return errRelayBusy
		case protocol.CodeBadProof:
			if c.replaced(ctx) {
				return errReplaced
			}
		case protocol.CodeSuspended:
			return notAdmitted(k.Server, f.Code)
		case protocol.CodeRateLimited:
			return slowFrame(f.RetryAfter)
		}
		return &Error{Code: CodeRefused, Text: fmt.Sprintf("The relay does not let this device in (%s). It may not know the account any more: ask its operator.", printable(string(f.Code)))}
	}
	return notARelay(k.Server)
}

// replaced reports whether the relay names another device of this account.
func (c *Client) replaced(ctx context.Context) bool {
	k := c.session.keys
	now, err := LookUp(ctx, k.Server, k.Relay, string(k.Certificate.User))
	return err == nil && now.Account == k.Certificate.Account && now.Device != k.Certificate.Device
}

var errReplaced = errors.New("the device has been replaced")

// replacedText is what the user of a device hears that is not let in any more.
const replacedText = "This account is in use on another device now, and this one is not let in any more. What was said stays here to be read. If you have not restored the account elsewhere, somebody has your recovery code: warn your contacts by another way."

func notARelay(s Server) error {
	return &Error{Code: CodeRefused, Text: s.Address() + " does not speak this protocol. Update the older of the two."}
}
