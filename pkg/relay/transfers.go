package relay

import (
	"net/http"
	"sync"
	"time"
)

// transfers are the files that come and go. They end with the relay, at once: a
// client goes on from where it was, or repeats itself.
type transfers struct {
	places int64

	mu    sync.Mutex // guards what follows
	ended bool
	lines map[*transfer]struct{}
	all   sync.WaitGroup // one for each of lines; no Add once ended
}

// transfer is one of them.
type transfer struct {
	*http.ResponseController
	of *transfers
}

func newTransfers(places int64) *transfers {
	return &transfers{places: places, lines: map[*transfer]struct{}{}}
}

// enter finds a place for one. Whoever has found one must leave.
func (t *transfers) enter(w http.ResponseWriter) (line *transfer, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || int64(len(t.lines)) >= t.places {
		return nil, false
	}
	line = &transfer{http.NewResponseController(w), t}
	t.lines[line] = struct{}{}
	t.all.Add(1)
	return line, true
}

func (line *transfer) leave() {
	t := line.of
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.lines, line)
	t.all.Done()
}

// goOn gives the next piece its time, and the answer behind it the usual one.
func (line *transfer) goOn() {
	line.of.mu.Lock()
	defer line.of.mu.Unlock()
	if !line.of.ended {
		line.until(time.Now().Add(fileChunkTime), time.Now().Add(fileChunkTime+requestTimeout))
	}
}

func (line *transfer) until(read, write time.Time) {
	line.SetReadDeadline(read)
	line.SetWriteDeadline(write)
}

// end cuts all of them off, and admits no more.
func (t *transfers) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	for line := range t.lines {
		line.until(time.Now(), time.Now())
	}
}

// wait waits until none is left.
func (t *transfers) wait() { t.all.Wait() }
