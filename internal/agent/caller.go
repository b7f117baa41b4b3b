package agent

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"net"
	"sync"

	"github.com/creachadair/jrpc2"
	"github.com/go-json-experiment/json"
)

// maxCalls is how many calls of a caller are under way at a time; more wait.
// It leaves the owner room to read as many cancels.
const maxCalls = maxLines / 2

// errLost says that the connection ended before the answer came.
var errLost = errors.New("the connection to the owner has ended")

// caller makes JSON-RPC calls over one connection. It stands in for jrpc2's
// client, which drops an answer that is followed at once by the end of the
// connection; that is how an owner leaves.
type caller struct {
	lines lines
	slots chan struct{} // one taken by each call until it is answered
	done  chan struct{} // closed when the reader has ended

	mu      sync.Mutex // guards what follows, and writing
	lastID  uint64
	waiting map[uint64]chan<- answer // each of capacity 1; nil when the connection has ended
}

type (
	request struct {
		Version string `json:"jsonrpc"`
		ID      uint64 `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}
	answer struct {
		ID     *uint64            `json:"id"`
		Result stdjson.RawMessage `json:"result"`
		Error  *jrpc2.Error       `json:"error"`
	}
	cancelParams struct {
		ID stdjson.RawMessage `json:"id"`
	}
)

func newCaller(conn net.Conn) *caller {
	c := &caller{
		lines: newLines(conn, maxAnswer), slots: make(chan struct{}, maxCalls),
		done: make(chan struct{}), waiting: make(map[uint64]chan<- answer),
	}
	go c.read()
	return c
}

// Close ends the connection and waits for the reader. Calls under way return.
func (c *caller) Close() error {
	c.lines.Close()
	<-c.done
	return nil
}

// call makes one call. Its error is ctx's, errLost, errTooLong, errText or a
// *jrpc2.Error.
func (c *caller) call(ctx context.Context, method string, params any) (stdjson.RawMessage, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	reply := make(chan answer, 1)
	id, err := c.send(method, params, reply)
	if err != nil {
		<-c.slots
		return nil, err
	}
	select {
	case a, ok := <-reply:
		switch {
		case !ok:
			return nil, errLost
		case a.Error != nil:
			return nil, a.Error
		}
		return a.Result, nil
	case <-ctx.Done():
		line, _ := json.Marshal(id)
		c.send("cancel", cancelParams{line}, nil) // its error is that of an ended connection
		return nil, ctx.Err()
	}
}

// Why a request is not sent.
var (
	errText    = errors.New("the request is not UTF-8")
	errTooLong = errors.New("the request is too long")
)

// send writes a request. Its answer goes to reply, if there is one; from then
// on the reader gives the call's slot back.
func (c *caller) send(method string, params any, reply chan<- answer) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		return 0, errLost
	}
	c.lastID++
	line, err := json.Marshal(request{jrpc2.Version, c.lastID, method, params})
	if err != nil { // unlike the standard package's, this one refuses what is not UTF-8
		return 0, errText
	}
	if len(line) >= maxRequest {
		return 0, errTooLong
	}
	if c.lines.Send(line) != nil {
		c.lines.Close() // half a line may be out; ends the reader
		return 0, errLost
	}
	if reply != nil {
		c.waiting[c.lastID] = reply
	}
	return c.lastID, nil
}

// read hands answers to their calls until the connection ends.
func (c *caller) read() {
	defer close(c.done)
	for {
		line, err := c.lines.Recv()
		var a answer
		if err != nil || stdjson.Unmarshal(line, &a) != nil {
			break
		}
		if a.ID == nil {
			continue // of something that the owner could not read
		}
		c.mu.Lock()
		reply, ok := c.waiting[*a.ID]
		delete(c.waiting, *a.ID)
		c.mu.Unlock()
		if ok {
			reply <- a
			<-c.slots
		}
	}
	c.lines.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, reply := range c.waiting {
		close(reply)
		<-c.slots
	}
	c.waiting = nil
}
