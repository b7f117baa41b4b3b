package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// person has the keys of one device that is registered at a relay.
type person struct {
	relay  *process
	device crypto.DevicePrivate
	cert   crypto.Certificate
}

func (p *person) addr() string { return p.cert.Address().String() }

// register makes an account.
func register(ctx context.Context, relay *process, name string) (*person, error) {
	var info protocol.RelayInfo
	if err := relay.call(ctx, http.MethodGet, protocol.PathRelay, nil, &info); err != nil {
		return nil, err
	}
	if info.Version != protocol.Version {
		return nil, fmt.Errorf("the server speaks version %d of the protocol, this program version %d: build both from one source", info.Version, protocol.Version)
	}
	account, p := crypto.NewAccountPrivate(), &person{relay: relay, device: crypto.NewDevicePrivate()}
	p.cert = crypto.NewCertificate(account, crypto.Certificate{
		Relay: info.Relay, User: crypto.Username(name), Device: crypto.NewDeviceID(),
		Login: p.device.Public(), Box: crypto.NewBoxPrivate().Public(), Version: crypto.EndToEndVersion, Created: time.Now(),
	})
	prekey := crypto.NewPrekey(crypto.PrekeySigned, 1, time.Now()).Sign(p.cert, p.device)
	proof := crypto.Registration{Host: relay.host(), Certificate: p.cert, Prekey: prekey, RelayNonce: info.Nonce}
	byAccount, byDevice := proof.Sign(account, p.device)
	body := protocol.EncodeBody(protocol.RegisterRequest{
		Username: p.cert.User, PublicKey: p.cert.Box, Certificate: p.cert, SignedPrekey: prekey.Raw(), Host: relay.host(),
		Nonce: info.Nonce, AccountSignature: byAccount, DeviceSignature: byDevice,
	})
	return p, relay.call(ctx, http.MethodPost, protocol.PathRegister, body, new(protocol.UserInfo))
}

// call makes one HTTP request.
func (p *process) call(ctx context.Context, method, path string, body []byte, out any) error {
	scheme := "http://"
	if p.tls {
		scheme = "https://"
	}
	req, err := http.NewRequestWithContext(ctx, method, scheme+p.addr+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxBody))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s", method, path, resp.Status, text)
	}
	return json.Unmarshal(text, out)
}

func (p *process) host() string {
	host, _, _ := net.SplitHostPort(p.addr)
	return host
}

// login connects as the person, whose frames go to what the function makes.
func (p *person) login(ctx context.Context, buffer int, handle func(*conn) handler) (*conn, error) {
	c, err := dial(ctx, p.relay, protocol.PathSocket, buffer)
	if err != nil {
		return nil, err
	}
	if err := p.authenticate(c); err != nil {
		c.nc.Close()
		return nil, fmt.Errorf("log in: %w", err)
	}
	c.on(handle(c))
	c.start()
	return c, nil
}

// loginDrained returns when the mailbox is empty, as it soon is.
func (p *person) loginDrained(ctx context.Context) (*conn, error) {
	caughtUp := make(chan struct{}, 1)
	c, err := p.login(ctx, busyBuffer, func(c *conn) handler { return c.expect(headCaughtUp, caughtUp) })
	if err != nil {
		return nil, err
	}
	if err := await(ctx, caughtUp, c, c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// authenticate answers the challenge. What came behind the relay's answer
// stays in c for its first handler.
func (p *person) authenticate(c *conn) error {
	f, err := c.one()
	if err != nil {
		return err
	}
	challenge, ok := f.(*protocol.Challenge)
	if !ok {
		return fmt.Errorf("a %s in place of the challenge", f.Type())
	}
	proof := crypto.Login{
		Relay: challenge.Relay, Host: p.relay.host(), Certificate: p.cert.Hash(), Address: p.cert.Address(),
		RelayNonce: challenge.Nonce, ClientNonce: crypto.NewNonce(),
	}
	answer := &protocol.Authenticate{Address: proof.Address, Host: proof.Host, Nonce: proof.ClientNonce, Signature: proof.Sign(p.device)}
	if err := c.sendFrame(answer); err != nil {
		return err
	}
	if f, err = c.one(); err != nil {
		return err
	}
	if _, ok := f.(*protocol.Authenticated); !ok {
		return fmt.Errorf("a %s in place of the welcome", f.Type())
	}
	return nil
}

// one reads one frame alone, before start.
func (c *conn) one() (protocol.Frame, error) {
	frames, err := c.read(1)
	if err != nil {
		return nil, err
	}
	f, err := protocol.DecodeFromRelay(frames[0])
	if err != nil {
		return nil, err
	}
	if e, ok := f.(*protocol.Error); ok {
		return nil, refusedError{e.Code, e.Message}
	}
	return f, nil
}

// ackAll acks the last numbered frame, and finds errors.
func (c *conn) ackAll(frames [][]byte) error {
	var last uint64
	for _, f := range frames {
		if bytes.HasPrefix(f, headError) {
			return refusal(f)
		}
		last = max(last, seqOf(f))
	}
	if last == 0 {
		return nil
	}
	return c.send(appendAck(nil, last))
}

func (c *conn) sendFrame(f protocol.Frame) error {
	return c.send(appendFrame(nil, opText, protocol.Encode(f)))
}

// befriend makes contacts of two people who are logged in.
func befriend(ctx context.Context, from, to *conn, a, b *person) error {
	note := protocol.Sealed("a note that the relay takes for sealed")
	asked, accepted := make(chan struct{}, 1), make(chan struct{}, 1)
	to.on(to.expect(headRequest, asked))
	from.on(from.expect(headAccepted, accepted))
	if err := from.sendFrame(&protocol.ConnectRequest{ID: crypto.NewMessageID(), Target: b.cert.Address(), Data: note}); err != nil {
		return err
	}
	if err := await(ctx, asked, from, to); err != nil {
		return err
	}
	if err := to.sendFrame(&protocol.AcceptConnection{ID: crypto.NewMessageID(), Target: a.cert.Address(), Data: note}); err != nil {
		return err
	}
	return await(ctx, accepted, from, to)
}

// expect acks what comes and tells of frames that begin with head.
func (c *conn) expect(head []byte, seen chan<- struct{}) handler {
	return func(frames [][]byte) error {
		for _, f := range frames {
			if bytes.HasPrefix(f, head) {
				seen <- struct{}{}
			}
		}
		return c.ackAll(frames)
	}
}

// await waits for an event while both ends live.
func await(ctx context.Context, event <-chan struct{}, from, to *conn) error {
	select {
	case <-event:
		return nil
	case <-from.ended:
		return fmt.Errorf("the sender's connection: %w", from.err)
	case <-to.ended:
		return fmt.Errorf("the recipient's connection: %w", to.err)
	case <-ctx.Done():
		return errors.Join(errors.New("waiting for the relay"), context.Cause(ctx))
	}
}
