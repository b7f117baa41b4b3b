package relay

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"time"
)

// messageLog tells of each message that has come to its recipient, and names
// nobody: message and people stand under hashes with a salt that lives as long as
// the process, so that lines of one run can be brought together, and nobody can
// look for a name in them, or for one of them in another run.
type messageLog struct {
	log   *slog.Logger
	level slog.Level
	salt  [32]byte
}

// newMessageLog makes one, nil if nobody would see it: at debug, or above if the
// operator asks for it.
func newMessageLog(log *slog.Logger, asked bool) *messageLog {
	m := &messageLog{log: log, level: slog.LevelDebug}
	if asked {
		m.level = slog.LevelInfo
	}
	if !log.Enabled(context.Background(), m.level) {
		return nil
	}
	rand.Read(m.salt[:]) // never fails since Go 1.24
	return m
}

// pseudonym stands for something in this run.
func (m *messageLog) pseudonym(of string) string {
	h := hmac.New(sha256.New, m.salt[:])
	h.Write([]byte(of))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// relayed tells of a message that a device has acked.
func (m *messageLog) relayed(to *conn, f flying, way string, took time.Duration) {
	if m == nil {
		return
	}
	bytes := f.size
	if f.sender != nil { // it was in memory, as text
		bytes = base64.RawURLEncoding.DecodedLen(bytes)
	}
	m.log.LogAttrs(context.Background(), m.level, "message_relayed",
		slog.String("id", m.pseudonym(f.id.String())), slog.String("from", m.pseudonym(f.from.String())), slog.String("to", m.pseudonym(to.name)),
		slog.Int("bytes", bytes), slog.String("way", way), slog.Duration("took", took))
}
