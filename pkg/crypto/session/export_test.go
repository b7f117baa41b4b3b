package session

import "secure-messaging/pkg/crypto/ratchet"

// Ask and Answer over another source of what is random.
var (
	AskFrom    = Session.ask
	AnswerFrom = answer
)

// SealRaw and RestoreFrom leave to the caller how a text is padded, and what
// is random from then on.
var (
	SealRaw     = Session.seal
	RestoreFrom = restore
)

// Tags names the sessions that are kept, the one to seal with first.
func Tags(s Session) (tags [][ratchet.TagSize]byte) {
	for _, e := range s.list {
		tags = append(tags, e.state.Tag())
	}
	return tags
}
