package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"secure-messaging/pkg/crypto"
)

// Where the members of a message stand: the load writes them in one order.
var (
	idHead   = []byte(`{"type":"encrypted_message","id":"`)
	toHead   = []byte(`","recipients":["`)
	dataHead = []byte(`"],"encryptedData":["`)
	dataTail = []byte(`"]}`)
)

var (
	errForm = errors.New("a frame of another form")
	errGone = errors.New("the recipient has gone")
)

// headOf scans a message for what stands in front of its data. The data itself
// is never looked at.
func headOf(frame []byte) (id, to, data []byte, err error) {
	const digits = 2 * len(crypto.MessageID{})
	rest, ok := bytes.CutPrefix(frame, idHead)
	if !ok || len(rest) < digits {
		return nil, nil, nil, errForm
	}
	id = rest[:digits]
	if rest, ok = bytes.CutPrefix(rest[digits:], toHead); !ok {
		return nil, nil, nil, errForm
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return nil, nil, nil, errForm
	}
	to = rest[:end]
	if rest, ok = bytes.CutPrefix(rest[end:], dataHead); !ok {
		return nil, nil, nil, errForm
	}
	if data, ok = bytes.CutSuffix(rest, dataTail); !ok {
		return nil, nil, nil, errForm
	}
	return id, to, data, nil
}

// appendOut writes the frame for the recipient, WebSocket header included.
func appendOut(dst []byte, from string, id, data []byte) []byte {
	var digits [20]byte
	ms := strconv.AppendInt(digits[:0], time.Now().UnixMilli(), 10)
	const frame = `{"type":"encrypted_message","from":"` + `","id":"` + `","time":` + `,"data":"` + `"}`
	size := len(frame) + len(from) + len(id) + len(ms) + len(data)
	dst = append(dst, finBit|opText)
	switch {
	case size < 126:
		dst = append(dst, byte(size))
	case size < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(size))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(size))
	}
	dst = append(dst, `{"type":"encrypted_message","from":"`...)
	dst = append(dst, from...)
	dst = append(dst, `","id":"`...)
	dst = append(dst, id...)
	dst = append(dst, `","time":`...)
	dst = append(dst, ms...)
	dst = append(dst, `,"data":"`...)
	dst = append(dst, data...)
	return append(dst, `"}`...)
}

// scan puts the message behind what waits for the recipient.
func (s *floorServer) scan(from *floorPeer, frame []byte) error {
	id, to, data, err := headOf(frame)
	if err != nil {
		return err
	}
	p := s.peer(to)
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.pending) > floorBacklog && !p.gone {
		p.room.Wait()
	}
	if p.gone {
		return errGone
	}
	if len(p.pending) == 0 {
		p.more.Signal()
	}
	p.pending = appendOut(p.pending, from.name, id, data)
	return nil
}

// writeAll writes what has gathered for a recipient, until it has gone.
func (p *floorPeer) writeAll() {
	var out []byte
	for {
		p.mu.Lock()
		for len(p.pending) == 0 && !p.gone {
			p.more.Wait()
		}
		if p.gone {
			p.mu.Unlock()
			return
		}
		out, p.pending = p.pending, out[:0]
		p.room.Broadcast()
		p.mu.Unlock()
		if _, err := p.nc.Write(out); err != nil {
			p.leave()
			return
		}
	}
}

// leave ends writeAll and those who wait for room.
func (p *floorPeer) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.more.Broadcast()
	p.room.Broadcast()
	p.nc.Close()
}

// direct writes the message to the recipient before the next one is read.
func (s *floorServer) direct(from *floorPeer, frame []byte) error {
	id, to, data, err := headOf(frame)
	if err != nil {
		return err
	}
	p := s.peer(to)
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = appendOut(p.pending[:0], from.name, id, data)
	_, err = p.nc.Write(p.pending)
	return err
}
