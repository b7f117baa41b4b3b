package profile

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// migrations lead from each version of the schema to the next; PRAGMA
// user_version counts how many a database has seen. One that was released is
// never changed.
//
// Times are microseconds since 1970. An author is an address, name/device; ids
// are the 16 bytes. A row of messages never moves, so that cursors only rise.
var migrations = []migration{{sql: `
CREATE TABLE account(
	id         INTEGER PRIMARY KEY CHECK (id = 1),
	keys       BLOB    NOT NULL, -- sealed under "keys"
	registered INTEGER NOT NULL
) STRICT;

CREATE TABLE contacts(
	name        TEXT    PRIMARY KEY,
	state       TEXT    NOT NULL,
	note        TEXT    NOT NULL,
	since       INTEGER NOT NULL,
	certificate TEXT    NOT NULL, -- empty: never seen
	request     BLOB    NOT NULL,
	session     BLOB              -- sealed under the contact's name and certificate
) STRICT, WITHOUT ROWID;

CREATE TABLE messages(
	cursor  INTEGER PRIMARY KEY AUTOINCREMENT,
	author  TEXT    NOT NULL,
	id      BLOB    NOT NULL,
	contact TEXT    NOT NULL,
	type    TEXT    NOT NULL,
	text    TEXT    NOT NULL,
	sent_at INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	state   TEXT    NOT NULL,
	reason  TEXT    NOT NULL,
	unread  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_author ON messages(author, id);
CREATE INDEX messages_by_contact ON messages(contact, cursor);
CREATE INDEX messages_unread ON messages(contact, cursor) WHERE unread;

CREATE TABLE outbox(
	position INTEGER PRIMARY KEY AUTOINCREMENT,
	id       BLOB    NOT NULL UNIQUE,
	kind     TEXT    NOT NULL,
	contact  TEXT    NOT NULL,
	stored   INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	frame    BLOB    NOT NULL
) STRICT;
`}, {sql: `
ALTER TABLE contacts ADD COLUMN grade   TEXT    NOT NULL DEFAULT 'pinned';
ALTER TABLE contacts ADD COLUMN offered TEXT    NOT NULL DEFAULT ''; -- certificate under another key
ALTER TABLE contacts ADD COLUMN refused TEXT    NOT NULL DEFAULT ''; -- fingerprint
ALTER TABLE contacts ADD COLUMN sent    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN heard   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN lost    INTEGER NOT NULL DEFAULT 0;

CREATE TABLE prekeys(
	id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
	kind     INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	replaced INTEGER, -- NULL: in force, or of one use
	secret   BLOB    NOT NULL -- sealed under the id
) STRICT;

CREATE TABLE handshakes(
	prekey    INTEGER NOT NULL,
	ephemeral BLOB    NOT NULL,
	PRIMARY KEY (prekey, ephemeral)
) STRICT, WITHOUT ROWID;
`}, {sql: `
ALTER TABLE account  ADD COLUMN settings  TEXT    NOT NULL DEFAULT ''; -- JSON; empty: those of a new account
ALTER TABLE contacts ADD COLUMN disappear INTEGER NOT NULL DEFAULT 0;  -- seconds

ALTER TABLE messages ADD COLUMN reply_from TEXT    NOT NULL DEFAULT ''; -- who wrote what it answers
ALTER TABLE messages ADD COLUMN reply_id   BLOB;                        -- NULL: it answers nothing
ALTER TABLE messages ADD COLUMN edited     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN deleted    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN reactions  TEXT    NOT NULL DEFAULT ''; -- JSON
ALTER TABLE messages ADD COLUMN disappear  INTEGER NOT NULL DEFAULT 0;  -- seconds
ALTER TABLE messages ADD COLUMN gone_at    INTEGER;                     -- NULL: not known yet, or never
DROP INDEX messages_by_author;
CREATE UNIQUE INDEX messages_by_id ON messages(id, author);
CREATE INDEX messages_gone ON messages(gone_at) WHERE gone_at IS NOT NULL;

-- What has no place in the history, or none any more, to know a copy of it.
CREATE TABLE heard(
	id     BLOB    NOT NULL,
	author TEXT    NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (id, author)
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_at ON heard(at);

CREATE TABLE views(
	contact TEXT    PRIMARY KEY,
	replies INTEGER NOT NULL,
	edits   INTEGER NOT NULL,
	top     INTEGER NOT NULL,
	line    INTEGER NOT NULL,
	draft   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The words of all texts, by cursor; see search.go. What is deleted in it is
-- gone from it at once (secure-delete).
CREATE VIRTUAL TABLE words USING fts5(
	text, contact,
	content = '', columnsize = 0, prefix = '1 2 3', tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
INSERT INTO words(words, rank) VALUES ('secure-delete', 1);
`, then: (*database).indexAll}, {sql: `
-- The files of messages.
CREATE TABLE files(
	cursor INTEGER PRIMARY KEY, -- of the message
	name   TEXT    NOT NULL,
	size   INTEGER NOT NULL,
	saved  TEXT    NOT NULL,
	blob   BLOB    NOT NULL,
	digest BLOB    NOT NULL,
	key    BLOB    NOT NULL -- sealed under the blob
) STRICT;

-- What the relay is to be asked; its sealed copies lie in the folder of that name.
CREATE TABLE uploads(
	position INTEGER PRIMARY KEY AUTOINCREMENT,
	blob     BLOB    NOT NULL UNIQUE,
	message  BLOB    NOT NULL, -- zeros: it is to forget the file
	contact  TEXT    NOT NULL
) STRICT;
`}, {sql: `
CREATE TABLE consumers(
	name   TEXT    PRIMARY KEY,
	cursor INTEGER NOT NULL, -- of the last message that it has handled
	at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`}, {sql: `
CREATE TABLE groups(
	name    TEXT    PRIMARY KEY, -- what this profile calls it
	id      BLOB    NOT NULL,
	state   TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	roster  TEXT    NOT NULL, -- JSON, of its owner
	outside TEXT    NOT NULL, -- JSON
	doubted TEXT    NOT NULL  -- JSON
) STRICT, WITHOUT ROWID;

-- How far messages have come that are on their way to members of a group.
CREATE TABLE fanouts(
	message   BLOB    PRIMARY KEY,
	waiting   INTEGER NOT NULL,
	stored    INTEGER NOT NULL,
	delivered INTEGER NOT NULL,
	failed    INTEGER NOT NULL,
	reason    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE outbox ADD COLUMN message BLOB NOT NULL DEFAULT x'00000000000000000000000000000000'; -- to a group
`}}

// migration is a step of the schema: statements, and what they cannot do.
type migration struct {
	sql  string
	then func(*database) error // nil for nothing
}

var (
	errNewer  = errors.New("the schema is from a newer version")
	errEmpty  = errors.New("the database is empty")
	errCutOff = errors.New("the last page of the database is cut off")
	errLog    = errors.New("the log was altered after it was written")
)

// version says how many migrations the database has seen.
func (d *database) version() (v int, err error) {
	err = d.query(`PRAGMA user_version`, func(r *sqlite3.Stmt) { v = r.ColumnInt(0) })
	return v, err
}

// check refuses a database that no version of this program has made, and one
// that only a newer version can read.
func (d *database) check() error {
	v, err := d.version()
	switch {
	case err != nil:
		return err
	case v == 0:
		return errEmpty
	case v > len(migrations):
		return errNewer
	}
	return nil
}

// migrate brings the database to the present schema.
func (d *database) migrate() error {
	v, err := d.version()
	for ; err == nil && v < len(migrations); v++ {
		err = d.transaction(func() error {
			m := migrations[v]
			if err := d.conn.Exec(fmt.Sprintf("%s; PRAGMA user_version = %d", m.sql, v+1)); err != nil || m.then == nil {
				return err
			}
			return m.then(d)
		})
	}
	return err
}
