package protocol_test

import (
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/protocol"
)

// frameVectors is every frame as text, and texts that must be refused.
type frameVectors struct {
	FromClient        []string        `json:"fromClient"`
	FromRelay         []string        `json:"fromRelay"`
	Bodies            []string        `json:"bodies"`
	RefusedFromClient []refusedVector `json:"refusedFromClient"`
	RefusedFromRelay  []refusedVector `json:"refusedFromRelay"`
}

type refusedVector struct {
	Why  string        `json:"why"`
	Text string        `json:"text"`
	Code protocol.Code `json:"code"`
}

func TestVectors(t *testing.T) {
	var v frameVectors
	for _, f := range fromClient {
		v.FromClient = append(v.FromClient, string(protocol.Encode(f)))
	}
	for _, f := range fromRelay {
		v.FromRelay = append(v.FromRelay, string(protocol.Encode(f)))
	}
	for _, b := range bodies() {
		v.Bodies = append(v.Bodies, string(protocol.EncodeBody(b)))
	}
	v.RefusedFromClient = refusedVectors(append(strictness, refusedFromClient()...))
	v.RefusedFromRelay = refusedVectors(refusedFromRelay())
	vectors.Check(t, "frames.json", v)
}

// refusedVectors leaves out what would only fill the file, and what is no text.
func refusedVectors(rs []refusal) (vs []refusedVector) {
	for _, r := range rs {
		if len(r.text) < 2048 && strings.ToValidUTF8(r.text, "") == r.text {
			vs = append(vs, refusedVector{r.rule, r.text, r.code})
		}
	}
	return vs
}
