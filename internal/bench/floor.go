package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// The floors: what a server of this kind cannot cost less than. Each is
// gorilla's library and a map from name to connection, with no checks and
// nothing stored. A client names itself in the query.
const (
	floorCommand = "floor"

	floorNaive  = "naive"  // decodes and encodes JSON, writes at once
	floorScan   = "scan"   // scans the head, writes what has gathered at once
	floorDirect = "direct" // scans the head, the reader writes to the recipient
)

const (
	floorBuffer  = 16 << 10 // to read into: several frames in one call
	floorBacklog = 1 << 20  // bytes that may wait for a recipient; then its senders wait
)

// floorServer is the process of a floor.
type floorServer struct {
	kind string

	mu    sync.RWMutex
	peers map[string]*floorPeer
}

// floorPeer is one connection.
type floorPeer struct {
	name string
	ws   *websocket.Conn
	nc   net.Conn

	mu      sync.Mutex // naive and direct: of writes; scan: guards what follows
	room    sync.Cond
	more    sync.Cond
	pending []byte
	gone    bool
}

// serveFloor runs until it is interrupted.
func serveFloor(kind string, withTLS bool) error {
	s := &floorServer{kind: kind, peers: map[string]*floorPeer{}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s}
	if server.TLSConfig, err = floorTLS(); err != nil {
		return err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	go func() {
		<-interrupted
		server.Close()
	}()
	fmt.Printf("%sws://%s\n", readyLine, ln.Addr())
	if withTLS {
		err = server.ServeTLS(ln, "", "")
	} else {
		err = server.Serve(ln)
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// floorTLS has a certificate of the relay's kind, of a key that nobody pins.
func floorTLS() (*tls.Config, error) {
	cert, err := crypto.MakeTLSCertificate(crypto.NewRelayPrivate(), []string{"127.0.0.1"}, time.Now())
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}, err
}

// ServeHTTP is one connection.
func (s *floorServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{ReadBufferSize: floorBuffer, WriteBufferSize: floorBuffer}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	p := &floorPeer{name: r.URL.Query().Get("name"), ws: ws, nc: ws.NetConn()}
	p.room.L, p.more.L = &p.mu, &p.mu
	s.mu.Lock()
	s.peers[p.name] = p
	s.mu.Unlock()
	// The client may send once it has heard this.
	p.mu.Lock()
	err = ws.WriteMessage(websocket.TextMessage, []byte("{}"))
	p.mu.Unlock()
	if err != nil {
		return
	}
	if s.kind == floorScan {
		go p.writeAll()
		defer p.leave()
	}
	step := map[string]func(*floorPeer, []byte) error{floorNaive: s.naive, floorScan: s.scan, floorDirect: s.direct}[s.kind]
	var frame bytes.Buffer
	for {
		_, reader, err := ws.NextReader()
		if err != nil {
			return
		}
		frame.Reset()
		if _, err := frame.ReadFrom(reader); err != nil {
			return
		}
		if step(p, frame.Bytes()) != nil {
			return
		}
	}
}

func (s *floorServer) peer(name []byte) *floorPeer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.peers[string(name)]
}

// naive decodes the frame and encodes another.
func (s *floorServer) naive(from *floorPeer, frame []byte) error {
	var in struct {
		Type          string   `json:"type"`
		ID            string   `json:"id"`
		Recipients    []string `json:"recipients"`
		EncryptedData []string `json:"encryptedData"`
	}
	if err := json.Unmarshal(frame, &in); err != nil {
		return err
	}
	for i, to := range in.Recipients {
		p := s.peer([]byte(to))
		if p == nil {
			continue
		}
		out, err := json.Marshal(struct {
			Type string             `json:"type"`
			From string             `json:"from"`
			ID   string             `json:"id"`
			Time protocol.UnixMilli `json:"time"`
			Data string             `json:"data"`
		}{in.Type, from.name, in.ID, protocol.Milli(time.Now()), in.EncryptedData[i]})
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.ws.WriteMessage(websocket.TextMessage, out)
		p.mu.Unlock()
	}
	return nil
}
