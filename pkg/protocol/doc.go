// Package protocol is the wire between client and relay: the frames, their
// limits, the error codes, and the one strict decoder. It does no I/O.
//
// A frame is one JSON object in one WebSocket text message. PROTOCOL.md beside
// this file is its specification.
//
//	f, err := protocol.DecodeFromClient([]byte(`{"type":"ack","seq":7}`))
//	switch f := f.(type) {
//	case *protocol.Ack:
//		fmt.Println(f.Seq) // 7
//	}
package protocol
