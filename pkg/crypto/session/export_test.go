package session

import "secure-messaging/pkg/crypto"

// WithEphemeral returns the session with ephemeral keys of the caller's
// making, so that what it seals can be foretold.
func WithEphemeral(s Session, ephemeral func() crypto.BoxPrivate) Session {
	e := s.(envelope)
	e.ephemeral = ephemeral
	return e
}

// SealRaw seals what Seal would not: any bytes in place of a padded text.
func SealRaw(s Session, padded []byte) ([]byte, error) {
	return s.(envelope).seal(padded)
}
