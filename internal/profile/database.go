package profile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // registers the file system of that name
)

// sealing is the SQLite file system that encrypts.
const sealing = "adiantum"

// maxLog is how many pages the write-ahead log may have before it is written
// back: 4 MB, as SQLite does by itself.
const maxLog = 1000

// database is a connection with its prepared statements. One goroutine may
// use it at a time.
type database struct {
	conn   *sqlite3.Conn
	stmts  map[string]*sqlite3.Stmt
	log    int // pages in the write-ahead log
	maxLog int
}

// createDatabase makes the database in an empty file.
func createDatabase(path, vfs string, key []byte) (*database, error) {
	if err := writeFile(path, nil); err != nil {
		return nil, err
	}
	return connect(path, vfs, key, func(c *sqlite3.Conn) error { return c.EnableChecksums("main") })
}

// openDatabase opens a database that is there, and has been made in full.
func openDatabase(path, vfs string, key []byte) (*database, error) {
	if err := renewLog(path+"-wal", key); err != nil {
		return nil, err
	}
	d, err := connect(path, vfs, key, func(*sqlite3.Conn) error { return nil })
	if err != nil {
		return nil, err
	}
	if err = d.check(); err == nil {
		err = d.empty()
	}
	if err == nil {
		err = whole(path)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// empty writes the log back that a process has left, so that the next one
// begins anew. SQLite would go on behind its last whole commit, in the middle
// of a block of the cipher, and a crash in that write would turn the end of
// that commit to noise.
func (d *database) empty() error {
	_, _, err := d.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	return err
}

// whole refuses a file whose last page is cut off: SQLite would read it as
// zeros, which no checksum covers.
func whole(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size()%page != 0 {
		err = errCutOff
	}
	return err
}

// connect opens the file under the key. Only this process uses it, so the
// index of the write-ahead log can stay in memory (locking_mode), where no
// other file has to be mapped. What is deleted is overwritten with zeros
// (secure_delete), so that an old session state does not outlive its
// replacement inside the encryption.
func connect(path, vfs string, key []byte, prepare func(*sqlite3.Conn) error) (*database, error) {
	conn, err := sqlite3.OpenFlags(uri(path, vfs), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	d := &database{conn: conn, stmts: make(map[string]*sqlite3.Stmt), maxLog: maxLog}
	// The key comes first, and its error is not passed on: it knows the text.
	if conn.Exec("PRAGMA hexkey = '"+hex.EncodeToString(key)+"'") != nil {
		err = errors.New("the database takes no key")
	} else {
		err = conn.Exec("PRAGMA busy_timeout = 1000; PRAGMA temp_store = memory; PRAGMA trusted_schema = off; PRAGMA secure_delete = on")
	}
	if err == nil {
		err = prepare(conn)
	}
	if err == nil {
		err = conn.Exec("PRAGMA locking_mode = exclusive; PRAGMA journal_mode = wal; PRAGMA synchronous = full")
	}
	if err == nil { // not before: it looks into the file, which is to be ours by then
		err = fts5.Register(conn)
	}
	if err != nil {
		d.close()
		return nil, err
	}
	conn.WALHook(func(_ *sqlite3.Conn, _ string, pages int) error { d.log = pages; return nil })
	return d, nil
}

// uri names a file for SQLite. The write-ahead log gets the mode of the
// database file (modeof), which is ours alone.
func uri(path, vfs string) string {
	path = filepath.ToSlash(path)
	prefix := "file:"
	if strings.HasPrefix(path, "//") { // a share on Windows; else it would pass for a host
		prefix = "file://"
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	return prefix + escaped + "?vfs=" + vfs + "&modeof=" + url.QueryEscape(path)
}

func (d *database) close() error {
	for _, s := range d.stmts {
		s.Close()
	}
	return d.conn.Close()
}

// transaction runs do and commits, or undoes all of it.
func (d *database) transaction(do func() error) error {
	if err := d.conn.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := do()
	if err == nil {
		err = d.conn.Exec("COMMIT")
	}
	if err != nil && !d.conn.GetAutocommit() {
		err = errors.Join(err, d.conn.Exec("ROLLBACK"))
	}
	return err
}

// writeBack puts what a long log holds into its places. SQLite would do so by
// itself, and not tell when the disk fails.
func (d *database) writeBack() error {
	if d.log < d.maxLog {
		return nil
	}
	_, _, err := d.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
	return err
}

// abandon leaves the log as it is when the database is closed: a write that
// failed may have harmed the block that it shares with what is there, which is
// found out by who reads the log from its start.
func (d *database) abandon() error {
	_, err := d.conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true)
	return err
}

// query runs a statement and hands each row to the function, which must not
// keep the Stmt.
func (d *database) query(sql string, row func(*sqlite3.Stmt), args ...any) error {
	s, err := d.prepare(sql)
	if err != nil {
		return err
	}
	defer s.ClearBindings()
	defer s.Reset() // its error is that of Step
	for i, a := range args {
		if err := bind(s, i+1, a); err != nil {
			return err
		}
	}
	for s.Step() {
		row(s)
		if s.Err() != nil {
			break
		}
	}
	return s.Err()
}

// exec runs a statement that gives no rows.
func (d *database) exec(sql string, args ...any) error {
	return d.query(sql, func(*sqlite3.Stmt) {}, args...)
}

// prepare compiles a statement once. The statements of this package are
// constants, and few.
func (d *database) prepare(sql string) (*sqlite3.Stmt, error) {
	if s := d.stmts[sql]; s != nil {
		return s, nil
	}
	s, _, err := d.conn.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err == nil {
		d.stmts[sql] = s
	}
	return s, err
}

func bind(s *sqlite3.Stmt, i int, value any) error {
	switch v := value.(type) {
	case nil:
		return s.BindNull(i)
	case string:
		return s.BindText(i, v)
	case []byte:
		return s.BindBlob(i, v)
	case int:
		return s.BindInt(i, v)
	case int64:
		return s.BindInt64(i, v)
	case bool:
		return s.BindBool(i, v)
	case time.Time:
		return s.BindInt64(i, v.UnixMicro())
	}
	panic(fmt.Sprintf("profile: cannot bind a %T", value))
}

func columnTime(s *sqlite3.Stmt, i int) time.Time { return time.UnixMicro(s.ColumnInt64(i)) }
