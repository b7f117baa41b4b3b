package keyfile

import "testing"

// BenchmarkOpen is what a passphrase costs its owner, and a guess of it
// somebody else, at the cost that new profiles get.
func BenchmarkOpen(b *testing.B) {
	passphrase := []byte("correct horse battery")
	_, file, err := New(passphrase, DefaultCost)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Open(file, passphrase); err != nil {
			b.Fatal(err)
		}
	}
}
