package protocol_test

import (
	"errors"
	"fmt"

	"secure-messaging/pkg/protocol"
)

func Example() {
	f, err := protocol.DecodeFromClient([]byte(`{"type":"ack","seq":7}`))
	switch f := f.(type) {
	case *protocol.Ack:
		fmt.Println(f.Seq, err)
	}
	fmt.Println(string(protocol.Encode(f)))

	_, err = protocol.DecodeFromClient([]byte(`{"type":"ack","SEQ":7}`))
	var refusal *protocol.Refusal
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Code, "-", refusal.Text)
	}
	// Output:
	// 7 <nil>
	// {"type":"ack","seq":7}
	// bad_frame - ack: a member is unknown or wrongly cased
}
