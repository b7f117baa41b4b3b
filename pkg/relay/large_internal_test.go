package relay

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/websocket"
)

// TestLargeFramesTakePlaces: while all places for large frames are taken, small
// ones are read, and a large one waits until its connection ends or a place is
// free.
func TestLargeFramesTakePlaces(t *testing.T) {
	r, _ := testRelay()
	server, client := testSocket(t)
	c := newConn(r, server, &gate{Conn: server.NetConn()})
	large := bytes.Repeat([]byte("x"), 2*keptBuffer)
	go func() {
		for _, text := range [][]byte{[]byte("small"), large, large} {
			client.WriteMessage(websocket.TextMessage, text)
		}
	}()
	for range largeFrames {
		r.large <- struct{}{}
	}
	buf, why := c.readFrame()
	if why != nil || buf.String() != "small" || len(r.large) != largeFrames {
		t.Fatalf("the small one: %v", why)
	}
	c.release(buf)
	got := make(chan *bytes.Buffer)
	go func() {
		buf, _ := c.readFrame()
		got <- buf
	}()
	select {
	case <-got:
		t.Fatal("one more than there are places was read")
	case <-r.large: // a place is free
	}
	buf = <-got
	if !bytes.Equal(buf.Bytes(), large) || len(r.large) != largeFrames {
		t.Error("the large one is not what was sent, or has no place")
	}
	c.release(buf)
	if len(r.large) != largeFrames-1 {
		t.Error("its place is not free")
	}
	r.large <- struct{}{}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.requestClose(closeRestart)
	}()
	if _, why := c.readFrame(); why == nil {
		t.Error("the end of the connection is not noticed")
	}
	<-closed
	c.grace.Stop()
}

// testSocket returns both ends of a WebSocket.
func testSocket(t *testing.T) (server, client *websocket.Conn) {
	t.Helper()
	ends := make(chan *websocket.Conn, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ws, err := new(websocket.Upgrader).Upgrade(w, req, nil)
		if err != nil {
			t.Error(err)
		}
		ends <- ws
	}))
	t.Cleanup(s.Close)
	client, resp, err := websocket.DefaultDialer.Dial("ws://"+s.Listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	server = <-ends
	t.Cleanup(func() {
		server.Close()
		client.Close()
	})
	return server, client
}
