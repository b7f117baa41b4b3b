package protocol_test

import (
	"bytes"
	"reflect"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/protocol"
)

func FuzzDecodeFromClient(f *testing.F) {
	fuzzFrames(f, fromClient, refusedFromClient(), protocol.DecodeFromClient)
}

func FuzzDecodeFromRelay(f *testing.F) {
	fuzzFrames(f, fromRelay, refusedFromRelay(), protocol.DecodeFromRelay)
}

// fuzzFrames demands of every input: a frame that is written and read to the
// same, or a refusal that does not quote it.
func fuzzFrames(f *testing.F, good []protocol.Frame, bad []refusal, decode func([]byte) (protocol.Frame, error)) {
	vectors.Seeds(f, len(good))
	for _, frame := range good {
		f.Add(protocol.Encode(frame))
	}
	for _, r := range append(bad, strictness...) {
		if len(r.text) < 4096 { // the fuzzer works best on small inputs
			f.Add([]byte(r.text))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := decode(b)
		if err != nil {
			if frame != nil {
				t.Errorf("refused, and yet %v", frame)
			}
			silent(t, err)
			return
		}
		text := protocol.Encode(frame)
		again, err := decode(text)
		if err != nil || !reflect.DeepEqual(again, frame) || !bytes.Equal(protocol.Encode(again), text) {
			t.Errorf("%q is read as %+v, written %s and read as %+v, %v", b, frame, text, again, err)
		}
	})
}

func FuzzDecodeBody(f *testing.F) {
	vectors.Seeds(f, 4)
	for _, b := range bodies() {
		f.Add(protocol.EncodeBody(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, body := range bodies() {
			got, again := empty(body), empty(body)
			if err := protocol.DecodeBody(b, got); err != nil {
				silent(t, err)
				continue
			}
			text := protocol.EncodeBody(got)
			if err := protocol.DecodeBody(text, again); err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%q is read as %+v, written %s and read as %+v, %v", b, got, text, again, err)
			}
		}
	})
}
