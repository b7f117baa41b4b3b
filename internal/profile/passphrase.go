package profile

import (
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// ChangePassphrase seals the master key of a profile under another passphrase.
// Another process may hold the profile: it reads the key file only when it opens
// it. Whatever happens, the old or the new passphrase opens the profile, and once
// ChangePassphrase has returned, the new one alone. The error is client.ErrLocked
// when the old one is wrong.
func ChangePassphrase(ref Ref, old, new []byte, cost keyfile.Cost) error {
	if len(new) < keyfile.MinPassphrase {
		return &client.Error{Code: client.CodeUsage, Text: "The new passphrase is too short: at least 8 bytes."}
	}
	master, err := masterOf(ref, old)
	if err != nil {
		return err
	}
	defer master.Clear()
	file, err := master.Wrap(new, cost)
	if err != nil {
		return &client.Error{Code: client.CodeUsage, Err: err, Text: "The profile cannot be sealed: " + err.Error() + "."}
	}
	if err := replaceFile(ref.path(keyFile), file, true); err != nil {
		return storage(ref.Dir, err)
	}
	return nil
}
