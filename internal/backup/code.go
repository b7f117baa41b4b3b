package backup

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// A Code opens one backup: 150 random bits and a checksum of 10, in 32 letters of
// base32 (RFC 4648, section 6, in lower case). It is no passphrase that somebody
// has chosen, so nothing slows a guess down: there are too many.
type Code struct{ text func() string } // a function, because fmt cannot look into one

const (
	codeLetters  = 30 // random
	checkLetters = 2
	groupLetters = 4 // between two hyphens
)

const letters = "abcdefghijklmnopqrstuvwxyz234567"

var encoding = base32.NewEncoding(letters).WithPadding(base32.NoPadding)

// NewCode makes a code.
func NewCode() Code {
	var b [20]byte
	rand.Read(b[:]) // never fails since Go 1.24
	text := encoding.EncodeToString(b[:])[:codeLetters]
	return Code{func() string { return text }}
}

// ParseCode reads a code as somebody has copied it: in any case, however it is
// spaced. Its error says where a typing error would show.
func ParseCode(s string) (Code, error) {
	var text strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case strings.ContainsRune(letters, r):
			text.WriteRune(r)
		case r == ' ' || r == '-' || r == '\t' || r == '\n' || r == '\r':
		default:
			return Code{}, wrongCode(fmt.Sprintf("%q is in no recovery code: there are the letters a to z and the digits 2 to 7 in it.", r))
		}
	}
	all := text.String()
	if len(all) != codeLetters+checkLetters {
		return Code{}, wrongCode(fmt.Sprintf("A recovery code has %d letters and digits, and this has %d.", codeLetters+checkLetters, len(all)))
	}
	c := Code{func() string { return all[:codeLetters] }}
	if c.check() != all[codeLetters:] {
		return Code{}, wrongCode("There is a typing error in the recovery code. Compare it letter by letter.")
	}
	return c, nil
}

func wrongCode(text string) error { return &client.Error{Code: client.CodeUsage, Text: text} }

// Show writes the code in groups, to be copied by hand. No String, or it would be
// printed by the way.
func (c Code) Show() string {
	all := c.text() + c.check()
	var groups []string
	for i := 0; i < len(all); i += groupLetters {
		groups = append(groups, all[i:i+groupLetters])
	}
	return strings.Join(groups, "-")
}

// check is the checksum.
func (c Code) check() string {
	sum := crypto.Hash(crypto.LabelRecoveryCheck, []byte(c.text()))
	return encoding.EncodeToString(sum[:])[:checkLetters]
}

// key is what a backup is sealed under: the salt makes it one of its own, and the
// size is bound with it.
func (c Code) key(salt []byte, size int64) file.Key {
	mac := hmac.New(sha256.New, []byte(c.text()))
	mac.Write(crypto.Encode(crypto.LabelBackup, salt, binary.BigEndian.AppendUint64(nil, uint64(size))))
	k, err := file.ParseKey(mac.Sum(nil))
	if err != nil {
		panic("backup: " + err.Error()) // it has the right length
	}
	return k
}
