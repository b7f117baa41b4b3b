// Package keyring keeps passphrases of profiles in the keyring of the desktop:
// the Secret Service of Linux and the BSDs, the Keychain of macOS, the
// Credential Manager of Windows. Whoever can use the session of the user can
// read them there, as all such programs can.
package keyring

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zalando/go-keyring"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

const (
	service = "secure-messaging" // what the keyring files our entries under

	// marker is the file in a profile that says that its passphrase is kept, so
	// that nobody's desktop is asked who has not wanted it.
	marker = "keyring"

	// patience is how long a keyring may take, which may ask its user to unlock
	// it. One that hangs must not hang a script.
	patience = 2 * time.Minute
)

// Kept reports whether the passphrase of a profile is to be in the keyring.
func Kept(ref profile.Ref) bool {
	_, err := os.Lstat(filepath.Join(ref.Dir, marker))
	return err == nil
}

// Keep puts the passphrase of a profile into the keyring.
func Keep(ctx context.Context, ref profile.Ref, passphrase []byte) error {
	// The marker first: without it nobody would look for what is in the keyring, nor
	// take it out again.
	if err := os.WriteFile(filepath.Join(ref.Dir, marker), nil, 0o600); err != nil {
		return &client.Error{Code: client.CodeStorage, Err: err, Text: "The folder of the profile cannot be written: " + ref.Dir}
	}
	err := patiently(ctx, func() error { return keyring.Set(service, entry(ref), string(passphrase)) })
	if err == nil {
		return nil
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) { // it may take it yet
		os.Remove(filepath.Join(ref.Dir, marker)) // one that stays costs a question to the keyring
	}
	return unusable(ctx, err)
}

// Passphrase returns the passphrase of a profile. The caller clears it.
func Passphrase(ctx context.Context, ref profile.Ref) ([]byte, error) {
	var secret string
	err := patiently(ctx, func() (err error) {
		secret, err = keyring.Get(service, entry(ref))
		return err
	})
	if errors.Is(err, keyring.ErrNotFound) {
		return nil, &client.Error{Code: client.CodeLocked, Err: err, Text: "The passphrase of " + ref.Name + " is not in the keyring any more. Put it there again: chat keyring keep"}
	}
	if err != nil {
		return nil, unusable(ctx, err)
	}
	return []byte(secret), nil
}

// Forget takes the passphrase of a profile out of the keyring. One that is not
// there is no error.
func Forget(ctx context.Context, ref profile.Ref) error {
	err := patiently(ctx, func() error { return keyring.Delete(service, entry(ref)) })
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return unusable(ctx, err)
	}
	if err := os.Remove(filepath.Join(ref.Dir, marker)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &client.Error{Code: client.CodeStorage, Err: err, Text: "The folder of the profile cannot be written: " + ref.Dir}
	}
	return nil
}

func entry(ref profile.Ref) string { return ref.Name + "@" + ref.Server }

// patiently waits for a keyring, but not for ever. One that does not answer is
// left behind.
func patiently(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unusable is the error of a keyring that cannot be used.
func unusable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &client.Error{Code: client.CodeLocked, Err: err, Text: "The keyring of this desktop cannot be used: " + err.Error() + ". Type the passphrase, or give --passphrase-file FILE."}
}
