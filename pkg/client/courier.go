package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
	"secure-messaging/pkg/protocol"
)

const (
	// progressEvery is how often a user is told how far a file has come.
	progressEvery = time.Second / 4
	// maxBadCopies is how often the relay may say that the bytes of a copy are not
	// what they were, before the copy is given up: a proxy that cuts off says so,
	// too.
	maxBadCopies = 5
	// lastingTries is after how many in a row that have failed the user hears why:
	// less is what a line does that is cut.
	lastingTries = 5
)

// courier does the uploads, one after the other.
type courier struct {
	*Client
	lines  *transfers
	bad    Upload // whose copy the relay has found bad
	times  int    // how often
	kept   bool   // the relay did not forget the last that it was to
	failed int    // tries in a row
	warned string // of what, while it lasts
}

// carry runs a courier until ctx ends. It begins with what the profile holds, and
// only while there is a connection; what is under way goes on without one.
func (c *Client) carry(ctx context.Context) {
	k := &courier{Client: c, lines: c.newTransfers()}
	pause := firstPause
	for ctx.Err() == nil {
		u, ok := k.next()
		if !ok {
			select {
			case <-c.luggage:
			case <-ctx.Done():
			}
			continue
		}
		err := k.deliver(ctx, u)
		k.kept = err != nil && u.forgets()
		k.warn(err)
		if err == nil {
			pause = firstPause
			continue
		}
		wait := jitter(pause)
		if slow, ok := slowed(err); ok {
			wait = slow.pause()
		}
		pause = min(2*pause, longPause)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// next is the first upload. What the relay is to forget goes in front, for it may
// make room; unless the relay does not take that now.
func (k *courier) next() (u Upload, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	us := k.session.uploads
	if len(us) == 0 || k.status.State != Connected {
		return u, false
	}
	first := slices.IndexFunc(us, func(u Upload) bool { return u.forgets() != k.kept })
	return us[max(0, first)], true
}

// warn tells, once, of a disk that does not take what an upload has come to, and
// of whatever else lasts. That there is too much at a time passes by itself.
func (k *courier) warn(err error) {
	switch {
	case err == nil:
		k.failed, k.warned = 0, ""
		return
	case errors.Is(err, ErrRateLimit):
		return
	}
	k.failed++
	text := err.Error()
	if text != k.warned && (k.failed == lastingTries || errors.Is(err, ErrStorage)) {
		k.events.publish(Event{Kind: Warned, Warning: text})
		k.warned = text
	}
}

// deliver brings one upload to its end. After an error it is to be tried again.
func (k *courier) deliver(ctx context.Context, u Upload) error {
	if u.forgets() {
		return k.forget(ctx, u)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k.mu.Lock()
	k.moving = &moving{u, cancel}
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.moving = nil
	}()
	err := k.put(ctx, u)
	var refusal *fileRefusal
	switch {
	case err == nil, errors.As(err, &refusal):
	case ctx.Err() != nil:
		return nil // it was recalled, and is there no more
	default:
		return err
	}
	_, err = k.do(func(s *session, now time.Time) (*step, error) { return s.uploaded(u, refusal, now) })
	if err != nil {
		return err
	}
	k.dropCopy(u.Blob)
	return nil
}

// dropCopy removes a copy that no upload names any more. One that cannot be
// removed goes with the next start.
func (c *Client) dropCopy(blob crypto.FileID) { c.store.DropCopy(blob) }

// put sends the sealed copy to the relay.
func (k *courier) put(ctx context.Context, u Upload) error {
	k.mu.Lock()
	m, sealed, err := k.session.fileOf(u.Message)
	k.mu.Unlock()
	if errors.Is(err, ErrNotFound) {
		return nil // it has disappeared, as the next step finds
	}
	if err != nil {
		return err
	}
	body, err := k.store.OpenCopy(u.Blob)
	if err != nil {
		return &fileRefusal{why: "its copy on this disk cannot be read; send it again"}
	}
	defer body.Close()
	size := file.SealedSize(m.File.Size)
	resp, err := k.lines.do(ctx, k.session.keys, fileCall{
		method: http.MethodPut, blob: u.Blob, body: k.progress(body, m, size), length: size, digest: sealed.Digest,
	})
	if err != nil {
		return k.judge(u, err)
	}
	return resp.Body.Close()
}

// judge counts how often the relay finds a copy bad. One upload is tried until it
// ends, so there is one to count for.
func (k *courier) judge(u Upload, err error) error {
	if !errors.Is(err, errBadBytes) {
		return err
	}
	if k.bad != u {
		k.bad, k.times = u, 0
	}
	if k.times++; k.times >= maxBadCopies {
		return &fileRefusal{protocol.CodeBadFrame, "the relay does not get it as it was; send it again"}
	}
	return err
}

// forget has the relay forget a file.
func (k *courier) forget(ctx context.Context, u Upload) error {
	resp, err := k.lines.do(ctx, k.session.keys, fileCall{method: http.MethodDelete, blob: u.Blob})
	var refusal *fileRefusal
	switch {
	case err == nil:
		resp.Body.Close()
	case !errors.As(err, &refusal):
		return err
	}
	k.dropCopy(u.Blob) // of one that was deleted on its way
	_, err = k.do(func(s *session, now time.Time) (*step, error) { return s.uploaded(u, refusal, now) })
	return err
}

// moving is the upload that is under way.
type moving struct {
	Upload
	stop context.CancelFunc
}

// recall stops the upload that is under way if there is no such any more, and
// wakes the courier for what is new. The caller holds mu.
func (c *Client) recall(b *batch) {
	for _, blob := range b.Uploaded {
		if m := c.moving; m != nil && m.Blob == blob && !slices.Contains(c.session.uploads, m.Upload) {
			m.stop()
		}
	}
	if len(b.Uploads) > 0 {
		c.load()
	}
}

// load wakes the courier.
func (c *Client) load() {
	select {
	case c.luggage <- struct{}{}:
	default:
	}
}

// progress tells how much of the file of a message was read of its sealed bytes.
func (c *Client) progress(r io.Reader, m Message, sealed int64) io.Reader {
	return &progressReader{r: r, c: c, m: m, sealed: sealed, told: time.Now()}
}

type progressReader struct {
	r      io.Reader
	c      *Client
	m      Message
	sealed int64 // how many bytes there are
	done   int64
	told   time.Time
}

// Read implements io.Reader.
func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.done += int64(n)
	if now := time.Now(); n > 0 && now.Sub(p.told) >= progressEvery {
		p.told = now
		p.c.tellProgress(p.m, int64(float64(p.m.File.Size)*float64(p.done)/float64(p.sealed)))
	}
	return n, err
}

// tellProgress tells how many bytes of a file were moved.
func (c *Client) tellProgress(m Message, done int64) {
	place, err := c.store.Place(m.Cursor)
	if err != nil || place.File == nil {
		return // it is gone
	}
	place.File.Done = done
	c.events.publish(Event{Kind: MessageChanged, Message: &place.Message})
}
