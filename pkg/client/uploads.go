package client

import (
	"errors"
	"slices"
	"time"

	"secure-messaging/pkg/crypto"
)

// MaxUploads is how many files may wait for the relay: as many as anybody sends
// at once, and far less than fills a disk unnoticed.
const MaxUploads = 1000

// sending counts the uploads that their user waits for.
func sending(us []Upload) (n int) {
	for _, u := range us {
		if !u.forgets() {
			n++
		}
	}
	return n
}

// applyUploads takes over what a step does to uploads.
func (s *session) applyUploads(st *step) {
	if len(st.Uploads)+len(st.Uploaded) == 0 {
		return
	}
	left := slices.DeleteFunc(slices.Clone(s.uploads), func(u Upload) bool { return slices.Contains(st.Uploaded, u.Blob) })
	left = append(left, st.Uploads...)
	s.waiting += sending(left) - sending(s.uploads)
	s.uploads = left
}

// uploadOf finds the upload of a message of this device.
func (s *session) uploadOf(id crypto.MessageID) (Upload, bool) {
	i := slices.IndexFunc(s.uploads, func(u Upload) bool { return u.Message == id })
	if i < 0 {
		return Upload{}, false
	}
	return s.uploads[i], true
}

// sendFile enters a file whose sealed copy is on the disk: a message, and the
// upload behind which it goes.
func (s *session) sendFile(to, text string, told File, sealed SealedFile, now time.Time) (*step, error) {
	c, err := s.mayUpload(to)
	if err != nil {
		return nil, err
	}
	body := newContent(contentFile, text, now)
	body.Expires, body.File = c.disappear, newFileContent(told, sealed)
	st := &step{}
	st.Messages = []NewMessage{s.written(c.name, body, now)}
	st.Uploads = []Upload{{Blob: sealed.Blob, Message: body.ID, Contact: c.name}}
	return st, nil
}

// mayUpload returns to whom a file can be sent. One for whom nothing can be sealed
// is refused as a text is, before anything is read or uploaded.
func (s *session) mayUpload(to string) (audience, error) {
	c, err := s.audience(to)
	if err != nil {
		return c, err
	}
	if len(s.uploads) >= MaxUploads {
		return c, &Error{Code: CodeRateLimit, Text: "So many files are waiting for the relay that no more are taken. Send again when they have left."}
	}
	return c, s.usable(c)
}

// uploaded takes the relay's word on an upload: that it is done, or why it never
// will be. What the user has done meanwhile counts more, as that it is to be
// forgotten.
func (s *session) uploaded(u Upload, refused *fileRefusal, now time.Time) (*step, error) {
	switch {
	case !slices.Contains(s.uploads, u):
		return &step{}, nil
	case u.forgets(): // that it has none is as good
		st := &step{}
		st.Uploaded = []crypto.FileID{u.Blob}
		return st, nil
	case refused != nil:
		return s.notUploaded(u, refused.why), nil
	}
	return s.announce(u, now)
}

// announce tells the recipient of a file that the relay has: the content has the
// id of the message, and its words as they stand now.
func (s *session) announce(u Upload, now time.Time) (*step, error) {
	st := &step{}
	st.Uploaded = []crypto.FileID{u.Blob}
	m, sealed, err := s.fileOf(u.Message)
	switch {
	case errors.Is(err, ErrNotFound): // it has disappeared
		st.Uploads = []Upload{{Blob: u.Blob}}
		return st, nil
	case err != nil:
		return nil, err
	}
	c, err := s.audience(u.Contact)
	switch {
	case errors.Is(err, ErrRateLimit):
		return nil, err // there will be room
	case errors.Is(err, ErrPeerChanged):
		return s.notUploaded(u, "another key was shown for "+u.Contact+"; look at it, then send the file again"), nil
	case err != nil && isGroup(u.Contact):
		return s.notUploaded(u, "nobody in "+u.Contact+" is reached any more"), nil
	case err != nil:
		return s.notUploaded(u, u.Contact+" is no contact of yours any more"), nil
	}
	body := newContent(contentFile, m.Text, now)
	body.ID, body.SentAt = u.Message, m.SentAt.UnixMilli()
	body.Expires, body.File = m.Disappear, newFileContent(*m.File, sealed)
	unreached, err := s.post(st, c, body, now)
	switch {
	case err != nil && isGroup(u.Contact): // tried again, it would keep all others from leaving
		return s.notUploaded(u, "there is no session with anybody in "+u.Contact+" that can be used; ask again: chat connect NAME, then send it again"), nil
	case err != nil:
		return s.notUploaded(u, "there is no session with "+u.Contact+" that can be used; ask again: chat connect "+u.Contact+", then send it again"), nil
	case unreached != "":
		st.States = []StateChange{{body.ID, Waiting, unreached}}
	}
	return st, nil
}

// fileOf returns a message of this device and what opens its file.
func (s *session) fileOf(id crypto.MessageID) (Message, SealedFile, error) {
	m, err := s.stored.Written(s.keys.Certificate.Address(), id)
	if err != nil {
		return m, SealedFile{}, err
	}
	place, err := s.stored.Place(m.Cursor)
	if err == nil && (m.File == nil || place.Sealed == nil) {
		err = ErrNotFound
	}
	if err != nil {
		return m, SealedFile{}, err
	}
	return m, *place.Sealed, nil
}

// notUploaded gives up the upload of a message.
func (s *session) notUploaded(u Upload, reason string) *step {
	st := &step{}
	st.forgetFile(u.Blob)
	st.States = []StateChange{{u.Message, Failed, reason}}
	return st
}

// stopUploads gives up all that waits for a contact.
func (s *session) stopUploads(st *step, name, reason string) {
	for _, u := range s.uploads {
		if u.Contact == name && !u.forgets() {
			st.forgetFile(u.Blob)
			st.States = append(st.States, StateChange{u.Message, Failed, reason})
		}
	}
}

// forgetFile has the relay forget a file, whether it has it by now or not.
func (st *step) forgetFile(blob crypto.FileID) {
	st.Uploaded = append(st.Uploaded, blob)
	st.Uploads = append(st.Uploads, Upload{Blob: blob})
}
