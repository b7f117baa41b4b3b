package relay_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"sync"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// inbox is what a peer has been sent. In fake time, where nothing is buffered
// between two ends, somebody has to read all the time.
type inbox struct {
	mu     sync.Mutex
	frames []protocol.Frame
	err    error // why nothing more comes
}

// pump reads all that comes, until the connection ends. Frames go to each as
// well, if there is one.
func (c *peer) pump(each func(protocol.Frame)) *inbox {
	in := &inbox{}
	go func() {
		for {
			c.ws.SetReadDeadline(noDeadline)
			_, b, err := c.ws.ReadMessage()
			var f protocol.Frame
			if err == nil {
				f, err = protocol.DecodeFromRelay(b)
			}
			in.mu.Lock()
			if err != nil {
				in.err = err
				in.mu.Unlock()
				c.ws.Close()
				return
			}
			in.frames = append(in.frames, f)
			in.mu.Unlock()
			if each != nil {
				each(f)
			}
		}
	}()
	return in
}

// ended says why nothing more comes, nil while something may.
func (in *inbox) ended() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.err
}

// closed reports whether the relay has closed the connection with that code.
func (in *inbox) closed(code int) bool { return websocket.IsCloseError(in.ended(), code) }

// messages are the messages that came so far.
func (in *inbox) messages() (ids []crypto.MessageID) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, f := range in.frames {
		if m, ok := f.(*protocol.EncryptedMessage); ok {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// heard counts the receipts of a message that say so.
func (in *inbox) heard(id crypto.MessageID, state protocol.ReceiptState) (n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, f := range in.frames {
		if r, ok := f.(*protocol.Receipt); ok && r.ID == id && r.State == state {
			n++
		}
	}
	return n
}

// acking acks each frame that wants it.
func (c *peer) acking(f protocol.Frame) {
	switch f := f.(type) {
	case *protocol.EncryptedMessage:
		c.tryWrite(&protocol.Ack{Seq: f.Seq})
	case *protocol.ConnectionRequest:
		c.tryWrite(&protocol.Ack{Seq: f.Seq})
	case *protocol.Receipt:
		if f.Seq != 0 {
			c.tryWrite(&protocol.Ack{Seq: f.Seq})
		}
	}
}

// burst sends frames in one write, so that the relay gets them in one read.
func (c *peer) burst(frames ...protocol.Frame) {
	c.t.Helper()
	var b []byte
	for _, f := range frames {
		text := protocol.Encode(f)
		if b = append(b, 0x81); len(text) < 126 {
			b = append(b, 0x80|byte(len(text)))
		} else {
			b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(text)))
		}
		b = append(append(b, 0, 0, 0, 0), text...) // a mask of zeros
	}
	if _, err := c.ws.NetConn().Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// letter makes a message that can be sent again.
func letter(text string, to ...*person) *protocol.SendMessage {
	f := &protocol.SendMessage{ID: crypto.NewMessageID()}
	for _, p := range to {
		f.Recipients = append(f.Recipients, p.addr())
		f.EncryptedData = append(f.EncryptedData, protocol.Sealed(text))
	}
	return f
}

// stuckLog is a log whose errors wait until pass is closed.
type stuckLog struct {
	slog.Handler
	pass chan struct{}
}

func (l stuckLog) Enabled(context.Context, slog.Level) bool { return true }

func (l stuckLog) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		<-l.pass
	}
	return nil
}
