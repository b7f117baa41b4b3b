package relayhost

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
)

// manyFiles is how many files of long names have more text of checksums than
// anybody should hold in memory.
const manyFiles = 5000

// large streams a backup of many files; end writes what comes behind them.
func large(t *testing.T, end func(*archiver) error) io.Reader {
	t.Helper()
	about, err := json.Marshal(Backup{Version: backupVersion, Relay: crypto.NewRelayPrivate().Public().Fingerprint()})
	if err != nil {
		t.Fatal(err)
	}
	from, to := io.Pipe()
	t.Cleanup(func() { from.Close() })
	long := storeDir + strings.Repeat("/"+strings.Repeat("x", 199), 20)
	go func() {
		a := &archiver{w: tar.NewWriter(to)}
		err := a.addText(aboutFile, about)
		for i := 0; i < manyFiles && err == nil; i++ {
			err = a.addText(fmt.Sprint(long, i), []byte{byte(i)})
		}
		if err == nil {
			err = end(a)
		}
		to.CloseWithError(err)
	}()
	return from
}

// TestLargeBackup: however many files there are, a backup is read, and each line
// of its checksums counts.
func TestLargeBackup(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*archiver) error
		want error
	}{
		"whole": {(*archiver).close, nil},
		"altered sums": {func(a *archiver) error {
			a.sums.Bytes()[a.sums.Len()-2] ^= 1
			return a.close()
		}, errDamaged},
		"a sum less": {func(a *archiver) error {
			a.sums.Truncate(bytes.LastIndexByte(a.sums.Bytes()[:a.sums.Len()-1], '\n') + 1)
			return a.close()
		}, errDamaged},
		"a sum more": {func(a *archiver) error {
			fmt.Fprintf(&a.sums, "%064x  %s\n", 0, storeDir+"/y")
			return a.close()
		}, errDamaged},
		"cut sums": {func(a *archiver) error {
			err := a.w.WriteHeader(&tar.Header{Name: sumsFile, Size: int64(a.sums.Len()), Mode: fileMode, Typeflag: tar.TypeReg})
			if err == nil {
				_, err = a.w.Write(a.sums.Bytes()[:a.sums.Len()/2])
			}
			return err
		}, errNotWhole},
	} {
		t.Run(name, func(t *testing.T) {
			about, err := ReadBackup(large(t, c.end), nil)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, wanted %v", err, c.want)
			}
			if err == nil && about.Files != manyFiles {
				t.Errorf("it has %d files", about.Files)
			}
		})
	}
}

// removing removes a file once something is written.
type removing struct{ name string }

func (r removing) Write(p []byte) (int, error) {
	os.Remove(r.name)
	return len(p), nil
}

// TestBackupNamesNoFile: the name of a file that cannot be read is its id, which is
// no business of a log.
func TestBackupNamesNoFile(t *testing.T) {
	dir, id := t.TempDir(), "b2c3d4e5f60718293a4b5c6d7e8f9001"
	for _, name := range []string{"a", id} {
		write(t, filepath.Join(dir, name), []byte("x"))
	}
	for name, dir := range map[string]string{"a file": dir, "a directory": filepath.Join(dir, "none", id)} {
		a := &archiver{w: tar.NewWriter(removing{filepath.Join(dir, id)})}
		err := a.addDir(dir, storeDir)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "read a file of the store") || strings.Contains(err.Error(), id) {
			t.Errorf("%s that has gone: %v", name, err)
		}
	}
}
