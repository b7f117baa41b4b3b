package relaystore

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// openIn opens a store with the limits of the suite and few numbers at a time.
func openIn(t testing.TB, fs vfs.FS, dir string) *Store {
	t.Helper()
	s, err := open(dir, Options{FS: fs, Limits: storetest.Limits, MaxBytes: storetest.MaxBytes}, 7)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// noLeaks fails the test if it leaves goroutines behind. Those of stores that
// have failed stay, so a test that breaks one cannot use it.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func TestConformance(t *testing.T) {
	noLeaks(t)
	storetest.Run(t, func(t *testing.T) storetest.Store {
		s := openIn(t, vfs.NewMem(), "/store")
		t.Cleanup(func() {
			checkRecords(t, s)
			closeStore(t, s)
		})
		return s
	})
}

func TestReopen(t *testing.T) {
	noLeaks(t)
	dir := filepath.Join(t.TempDir(), "deep", "store")
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := storetest.NewCertificate("alice")
	first, ps := storetest.NewPrekey(1), storetest.NewPrekeys(2, 3)
	if err := s.CreateUser(context.Background(), c, first); err != nil {
		t.Fatal(err)
	}
	storetest.Publish(t, s, c.Address(), relay.RawPrekey{}, ps...)
	storetest.Take(t, s, c.Address(), 2, true)
	e := storetest.NewEntry(relay.KindMessage, alice, 1000)
	if key, err := s.Relay(context.Background()); err != nil || key != (crypto.RelayPublic{}) {
		t.Errorf("a fresh store is that of %v, %v", key, err)
	}
	if err := s.SetRelay(context.Background(), c.Relay); err != nil {
		t.Fatal(err)
	}
	waiting := storetest.Put(t, s, owners[0], e)[0]
	emptied := storetest.Put(t, s, owners[2], e)[0]
	if err := s.Delete(context.Background(), owners[2], math.MaxUint64); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)

	s, err = Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if got, err := s.User(context.Background(), "alice"); err != nil || got.Hash() != c.Hash() {
		t.Errorf("the user: %v", err)
	}
	storetest.Publish(t, s, c.Address(), first, ps...) // again: what was taken does not come back
	storetest.Left(t, s, c.Address(), first, ps[1:]...)
	if key, err := s.Relay(context.Background()); err != nil || key != c.Relay {
		t.Errorf("the relay: %v", err)
	}
	got := storetest.All(t, s, owners[0])
	if len(got) != 1 || got[0].Seq != waiting || got[0].Key() != e.Key() {
		t.Errorf("the mailbox holds %v", got)
	}
	if again := storetest.Put(t, s, owners[0], e)[0]; again != waiting {
		t.Errorf("what waits as number %d came again as %d", waiting, again)
	}
	if next := storetest.Put(t, s, owners[2], e)[0]; next <= emptied {
		t.Errorf("number %d came again as %d", emptied, next)
	}
	checkRecords(t, s)
}

func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has %v, %v", info.Mode(), err)
	}
}

// lockedDir tells a second process of this test which directory to try.
const lockedDir = "RELAYSTORE_LOCKED_DIR"

func TestLocked(t *testing.T) {
	if dir := os.Getenv(lockedDir); dir != "" {
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
			t.Errorf("the second process: %v", err)
		}
		return
	}
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("the second in one process: %v", err)
	}
	second := exec.Command(os.Args[0], "-test.run=^TestLocked$")
	second.Env = append(os.Environ(), lockedDir+"="+dir)
	if out, err := second.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	closeStore(t, s)
	s, err = Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
}

func TestNoDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "store")} {
		if _, err := Open(dir, Options{}); err == nil || errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// setRaw writes a record behind a store's back.
func setRaw(t *testing.T, fs vfs.FS, key, value string) {
	t.Helper()
	db, err := pebble.Open("/store", &pebble.Options{FS: fs, Logger: engineLog{func(err error) { t.Error(err) }}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Set([]byte(key), []byte(value), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFormat(t *testing.T) {
	noLeaks(t)
	for value, want := range map[string]error{"\x05": ErrNewer, "\xff": ErrNewer, "\x00": errValue, "": errValue, "\x04\x04": errValue} {
		fs := vfs.NewMem()
		closeStore(t, openIn(t, fs, "/store"))
		setRaw(t, fs, "F", value)
		if _, err := Open("/store", Options{FS: fs}); !errors.Is(err, want) {
			t.Errorf("format %q: %v", value, err)
		}
		setRaw(t, fs, "F", "\x02") // which the refusal has not locked, of an older program
		closeStore(t, openIn(t, fs, "/store"))
	}
	fs := vfs.NewMem()
	setRaw(t, fs, "key", "of another program")
	if _, err := Open("/store", Options{FS: fs}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("data of another program: %v", err)
	}
}

// TestFormat1 opens a store from before there were prekeys.
func TestFormat1(t *testing.T) {
	noLeaks(t)
	fs := vfs.NewMem()
	s := openIn(t, fs, "/store")
	c := storetest.NewCertificate("alice")
	if err := s.CreateUser(context.Background(), c, storetest.NewPrekey(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Delete(stockKey(c.Address()), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	setRaw(t, fs, "F", "\x01")

	s = openIn(t, fs, "/store")
	if got, err := s.User(context.Background(), "alice"); err != nil || got.Hash() != c.Hash() {
		t.Errorf("the user: %v", err)
	}
	storetest.Left(t, s, c.Address(), relay.RawPrekey{})
	storetest.Take(t, s, c.Address(), 1, false)
	signed, ps := storetest.NewPrekey(1), storetest.NewPrekeys(2, 2)
	storetest.Publish(t, s, c.Address(), signed, ps...)
	if format, err := s.get([]byte{tableFormat}); err != nil || string(format) != "\x04" {
		t.Errorf("the format is %q, %v: an older program would open it", format, err)
	}
	closeStore(t, s)
	s = openIn(t, fs, "/store")
	storetest.Left(t, s, c.Address(), signed, ps...)
	checkRecords(t, s)
	closeStore(t, s)
}

// TestDamagedRecords puts nonsense where each kind of record is expected. It
// spoils the operation that needs it, and no other.
func TestDamagedRecords(t *testing.T) {
	disk := vfs.NewMem()
	s := openIn(t, disk, "/store")
	ctx := context.Background()
	pair := relay.PairOf("alice", "bob")
	e := storetest.NewEntry(relay.KindMessage, alice, 1)
	seq := storetest.Put(t, s, owners[0], e)[0]
	storetest.Put(t, s, owners[2], storetest.NewEntry(relay.KindMessage, alice, 1))
	for _, key := range [][]byte{userKey("alice"), relationKey(pair), entryKey(owners[0], seq), boxKey(owners[1]), knownKey(owners[2], e.Key()), stockKey(alice)} {
		if err := s.db.Set(key, []byte("nonsense"[:7]), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s) // which has the mailboxes at hand
	s = openIn(t, disk, "/store")
	defer func() { closeStore(t, s) }()
	_, errUser := s.User(ctx, "alice")
	_, errRelation := s.Relation(ctx, pair)
	_, errRead := s.Read(ctx, owners[0], 0, 9, 9)
	_, errBox := s.Append(ctx, []relay.Delivery{{To: owners[1], Entry: e}})
	_, errKnown := s.Append(ctx, []relay.Delivery{{To: owners[2], Entry: e}})
	_, errStock := s.Prekeys(ctx, alice)
	storetest.Publish(t, s, owners[1], relay.RawPrekey{}, storetest.NewPrekey(1))
	if err := s.db.Set(oneTimeKey(owners[1], 1), []byte{valueVersion + 1, 'x'}, pebble.Sync); err != nil {
		t.Fatal(err)
	}
	_, errOneTime := s.Prekeys(ctx, owners[1])
	for i, err := range []error{
		errUser, errRelation, errRead, errBox, errKnown, errStock, errOneTime,
		s.AddPrekeys(ctx, alice, storetest.NewPrekey(1), nil),
		s.TakePrekey(ctx, alice, 1),
		s.SetRelation(ctx, pair, relay.Relation{}),
		s.Delete(ctx, owners[0], seq),
	} {
		if !errors.Is(err, errValue) || errors.Is(err, relay.ErrStoreFailed) || strings.Contains(err.Error(), "nonsens") {
			t.Errorf("call %d: %v", i, err)
		}
	}
	storetest.Put(t, s, owners[2], storetest.NewEntry(relay.KindMessage, alice, 1))
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	noLeaks(t)
	s := openIn(t, vfs.NewMem(), "/store")
	// An operation under way is waited for.
	inside, release, outcome := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		outcome <- s.do(context.Background(), func() error {
			close(inside)
			<-release
			_, err := s.get([]byte{tableFormat})
			return err
		})
	}()
	<-inside
	a, err := s.Append(context.Background(), []relay.Delivery{{To: owners[0], Entry: storetest.NewEntry(relay.KindMessage, alice, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for s.Ready(context.Background()) == nil {
		runtime.Gosched()
	}
	select {
	case err := <-closed:
		t.Fatalf("closed during an operation: %v", err)
	default:
	}
	close(release)
	if err := errors.Join(<-outcome, <-closed); err != nil {
		t.Fatal(err)
	}
	if err := a.Wait(); err != nil {
		t.Errorf("what was appended before: %v", err)
	}
	for i, err := range []error{
		s.Ready(context.Background()),
		s.CreateUser(context.Background(), storetest.NewCertificate("alice"), storetest.NewPrekey(1)),
		s.TakePrekey(context.Background(), alice, 1),
		s.Delete(context.Background(), owners[0], 1),
		s.Close(),
	} {
		if !errors.Is(err, errClosed) {
			t.Errorf("call %d after Close: %v", i, err)
		}
	}
}

func TestReadyDisk(t *testing.T) {
	disk := vfs.NewMem()
	s := openIn(t, disk, "/store")
	defer closeStore(t, s)
	for avail, ready := range map[uint64]bool{minFree: true, minFree - 1: false} {
		disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: avail, TotalBytes: 1 << 40})
		if err := s.Ready(context.Background()); (err == nil) != ready {
			t.Errorf("with %d bytes left: %v", avail, err)
		}
	}
}

// TestDeleteMany deletes more than fits into one commit, and what is left is
// counted right.
func TestDeleteMany(t *testing.T) {
	s, err := OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	var entries []relay.Entry
	for range 2*deleteChunk + 10 {
		entries = append(entries, storetest.NewEntry(relay.KindMessage, alice, 10))
	}
	seqs := storetest.Put(t, s, owners[0], entries...)
	for _, i := range []int{2*deleteChunk - 1, 2*deleteChunk + 4, len(seqs) - 1} {
		if err := s.Delete(context.Background(), owners[0], seqs[i]); err != nil {
			t.Fatal(err)
		}
		if got := storetest.All(t, s, owners[0]); len(got) != len(seqs)-1-i {
			t.Fatalf("%d left after %d", len(got), i)
		}
		checkRecords(t, s)
	}
}

// twoStores makes the test below one of two stores that share nothing.
const twoStores = "RELAYSTORE_TWO_STORES"

// TestShared runs the suite for a backend that relays share. There is none yet;
// two handles that are the same pass, and two stores must not.
func TestShared(t *testing.T) {
	apart := os.Getenv(twoStores) != ""
	storetest.RunShared(t, func(t *testing.T) []storetest.Store {
		handle := func() storetest.Store {
			s := openIn(t, vfs.NewMem(), "/store")
			t.Cleanup(func() { closeStore(t, s) })
			return s
		}
		first := handle()
		if apart {
			return []storetest.Store{first, handle()}
		}
		return []storetest.Store{first, first}
	})
	if apart {
		return
	}
	for _, test := range []string{"users", "relations", "order_and_fields", "known_entries", "one_user_of_many", "one-time_prekeys"} {
		second := exec.Command(os.Args[0], "-test.run=^TestShared$/^"+test+"$", "-test.timeout=1m")
		second.Env = append(os.Environ(), twoStores+"=1")
		if out, err := second.CombinedOutput(); err == nil {
			t.Errorf("two stores pass %q:\n%s", test, out)
		}
	}
}
