package relaystore

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sizes that fit a machine with half a gigabyte of memory. What is written costs
// mostly what it takes to write it again and again into larger tables, so it is
// sorted in large portions.
const (
	// memTableSize is what lies in memory before it goes into a table. Most
	// messages are fetched sooner, and then never reach one.
	memTableSize = 16 << 20
	// memTableStop bounds the tables in memory that wait for a slow disk: 48
	// MiB, after which writers wait.
	memTableStop = 3
	// tableSize is that of a table: few files, for each costs an fsync.
	tableSize = 16 << 20
	// sortDepth is how many new tables a look-up may have to go through before
	// they are sorted into the old ones, and sortStop where writers wait for that.
	sortDepth, sortStop = 8, 24
	// cacheSize holds blocks of tables, less the memory tables, which count in.
	cacheSize = 64 << 20
	// maxOpenFiles bounds the tables that are open. Each takes a descriptor,
	// and connections need those more.
	maxOpenFiles = 128
	// bloomBits keeps one look in a hundred for a message that is not there.
	bloomBits = 10
)

// engineFormat is the file format of Pebble: the first with a checksum of
// everything, and with a log that tells a lost tail from a damaged middle. A
// newer one is a one-way street, so it is never raised by an upgrade alone.
const engineFormat = pebble.FormatTableFormatV6

// engineOptions gives Pebble its options for a store that begins.
func (s *Store) engineOptions(lock *pebble.Lock) *pebble.Options {
	keys := *pebble.DefaultComparer
	keys.FormatKey = func(key []byte) fmt.Formatter { return hiddenKey(len(key)) }
	o := &pebble.Options{
		FS:                          guardFS{s.fs, s.fail, s.dir + snapshotSuffix},
		Lock:                        lock,
		Comparer:                    &keys,
		FormatMajorVersion:          engineFormat,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTableStop,
		L0CompactionThreshold:       sortDepth,
		L0StopWritesThreshold:       sortStop,
		CacheSize:                   cacheSize,
		MaxOpenFiles:                maxOpenFiles,
		Logger:                      engineLog{s.fail},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { s.fail(err) },
			DataCorruption:  func(i pebble.DataCorruptionInfo) { s.fail(fmt.Errorf("damaged data: %w", i.Details)) },
		},
	}
	// Sealed data does not get smaller.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	for i := range o.Levels {
		o.TargetFileSizes[i] = tableSize
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
	}
	return o
}

// hiddenKey stands for a key in what Pebble prints: keys hold names.
type hiddenKey int

// Format writes the length of the key.
func (k hiddenKey) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "(key of %d bytes)", int(k)) }

// engineLog drops what Pebble wants to tell and keeps it from ending the
// process.
type engineLog struct{ fail func(error) }

// Infof says nothing.
func (engineLog) Infof(string, ...any) {}

// Errorf says nothing: what matters comes as an event too.
func (engineLog) Errorf(string, ...any) {}

// Fatalf ends the store and does not return, as Pebble expects.
func (l engineLog) Fatalf(format string, args ...any) {
	l.fail(fmt.Errorf(format, args...))
	freeze()
}

// freeze stops the goroutine for good. The locks that it holds keep the rest
// of the engine from building on a write that has not happened.
func freeze() { select {} }

// guardFS hides from Pebble every write that fails: see the package comment.
// Removals are left alone; a file too many does no harm. Neither does a snapshot
// that fails.
type guardFS struct {
	vfs.FS
	fail     func(error)
	snapshot string // the directory that it is made in
}

// spares reports whether a failure there is nobody's end.
func (g guardFS) spares(name string) bool { return strings.HasPrefix(name, g.snapshot) }

// check returns only if there is no error.
func check(fail func(error), err error) {
	if err != nil {
		fail(err)
		freeze()
	}
}

func (g guardFS) file(f vfs.File, err error) (vfs.File, error) {
	check(g.fail, err)
	return guardFile{f, g.fail}, nil
}

func (g guardFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if g.spares(name) {
		return g.FS.Create(name, c)
	}
	return g.file(g.FS.Create(name, c))
}

func (g guardFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return g.file(g.FS.OpenReadWrite(name, c, opts...))
}

func (g guardFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return g.file(g.FS.ReuseForWrite(oldname, newname, c))
}

func (g guardFS) OpenDir(name string) (vfs.File, error) {
	if g.spares(name) {
		return g.FS.OpenDir(name)
	}
	return g.file(g.FS.OpenDir(name))
}

func (g guardFS) Link(oldname, newname string) error {
	if g.spares(newname) {
		return g.FS.Link(oldname, newname)
	}
	check(g.fail, g.FS.Link(oldname, newname))
	return nil
}

func (g guardFS) Rename(oldname, newname string) error {
	if g.spares(newname) {
		return g.FS.Rename(oldname, newname)
	}
	check(g.fail, g.FS.Rename(oldname, newname))
	return nil
}

func (g guardFS) Unwrap() vfs.FS { return g.FS }

// guardFile is a file or directory that was opened for writing.
type guardFile struct {
	vfs.File
	fail func(error)
}

func (f guardFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	check(f.fail, err)
	return n, nil
}

func (f guardFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	check(f.fail, err)
	return n, nil
}

func (f guardFile) Sync() error {
	check(f.fail, f.File.Sync())
	return nil
}

func (f guardFile) SyncData() error {
	check(f.fail, f.File.SyncData())
	return nil
}

func (f guardFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	check(f.fail, err)
	return full, nil
}

func (f guardFile) Close() error {
	check(f.fail, f.File.Close())
	return nil
}
