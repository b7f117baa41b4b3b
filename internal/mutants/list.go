package main

import "secure-messaging/internal/overlay"

// mutant is one way to break the protocol.
type mutant struct {
	name     string
	packages []string // whose tests should notice
	edits    []overlay.Edit
	run      string // the tests to run, where others would not end
}

const (
	crypto    = "pkg/crypto/"
	handshake = crypto + "handshake/"
	ratchet   = crypto + "ratchet/"
	session   = crypto + "session/"
	client    = "pkg/client/"
)

var (
	ofCrypto    = []string{"./pkg/crypto", "./pkg/crypto/handshake", "./pkg/crypto/ratchet"}
	ofHandshake = []string{"./pkg/crypto/handshake", "./pkg/crypto/session"}
	ofRatchet   = []string{"./pkg/crypto/ratchet", "./pkg/crypto/session"}
	ofFile      = []string{"./pkg/crypto/file"}
	ofSession   = []string{"./pkg/crypto/session"}
	ofClient    = []string{"./pkg/client"}
)

var mutants = []mutant{
	// What the handshake binds.
	{name: "the asker's certificate is not in the session id", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "crypto.LabelSessionID, hash[:], h[:])", "crypto.LabelSessionID, hash[:], h[:0])"},
	}},
	{name: "the asked certificate is not in the transcript", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "asked := t.asked.Hash()", "var asked [32]byte"},
	}},
	{name: "the version is not in the transcript", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "[]byte{t.version}", "nil"},
	}},
	{name: "the signed prekey is not in the transcript", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "t.signed[:]", "nil"},
	}},
	{name: "the one-time prekey is not in the transcript", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "t.oneTime,", "nil,"},
	}},
	{name: "the ephemeral key is not in the transcript", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "t.ephemeral.Bytes()", "nil"},
	}},
	{name: "the KEM ciphertext is not in the transcript", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "t.ciphertext)", "nil)"},
	}},
	{name: "the first message may have any number", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "if err != nil || opened.Skipped > 0 {", "if err != nil {"},
	}},

	// What the handshake's secrets come from.
	{name: "DH1 is left out", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "kdf.go", "crypto.LabelFirstRoot, id, first, authenticated)", "crypto.LabelFirstRoot, id, first)"},
	}},
	{name: "DH2 is left out", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "[]crypto.BoxPublic{b.Certificate.Box, b.Signed.Box}", "[]crypto.BoxPublic{b.Signed.Box}"},
		{handshake + "handshake.go", "[]crypto.BoxPrivate{local.Box, signed.Box}", "[]crypto.BoxPrivate{signed.Box}"},
	}},
	{name: "DH3 is left out", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "[]crypto.BoxPublic{b.Certificate.Box, b.Signed.Box}", "[]crypto.BoxPublic{b.Certificate.Box}"},
		{handshake + "handshake.go", "[]crypto.BoxPrivate{local.Box, signed.Box}", "[]crypto.BoxPrivate{local.Box}"},
	}},
	{name: "DH4 is left out", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "with = append(with, b.OneTime.Box)", ""},
		{handshake + "handshake.go", "with = append(with, oneTime.Box)", ""},
	}},
	{name: "the KEM secret is not mixed into the handshake", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "append(agreements, secret)...)\n\th.certificate", "append(agreements, secret[:0])...)\n\th.certificate"},
		{handshake + "handshake.go", "append(agreements, secret)...)\n\traw,", "append(agreements, secret[:0])...)\n\traw,"},
	}},
	{name: "the KEM secret is to the signed prekey always", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "= b.OneTime.ID, hash[:], b.OneTime.KEM", "= b.OneTime.ID, hash[:], b.Signed.KEM"},
		{handshake + "handshake.go", "t.oneTime, kem = hash[:], oneTime.KEM", "t.oneTime = hash[:]"},
	}},

	// Whom the handshake believes.
	{name: "prekeys of the wrong kind are used", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "b.Signed.Kind != crypto.PrekeySigned || !b.OneTime.IsZero() && b.OneTime.Kind != crypto.PrekeyOneTime || ", ""},
	}},
	{name: "a session with oneself is allowed", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "return ErrSelf", "return nil"},
	}},
	{name: "certificates of older versions are allowed", packages: ofHandshake, edits: []overlay.Edit{
		{handshake + "handshake.go", "return ErrVersion", "return nil"},
	}},
	{name: "the signature of a prekey is not checked", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "prekey.go", "if !owner.Login.Verify(", "if false && !owner.Login.Verify("},
	}},
	{name: "the signature of a prekey names no certificate", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "prekey.go", "append([][]byte{h[:]}, p.fields()...)", "append([][]byte{h[:0]}, p.fields()...)"},
	}},
	{name: "the signature of a certificate is not checked", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "certificate.go", "if !c.Account.Verify(", "if false && !c.Account.Verify("},
	}},

	// Keys that are none.
	{name: "X25519 keys of low order are parsed", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "keys.go", "lowOrderProbe.Agree(k); err != nil {", "lowOrderProbe.Agree(k); false && err != nil {"},
	}},
	{name: "an agreement with a key of low order is zeros", packages: ofRatchet, edits: []overlay.Edit{
		{crypto + "keys.go", "return k.key().ECDH(p)", "if a, err := k.key().ECDH(p); err == nil {\n\t\treturn a, nil\n\t}\n\treturn make([]byte, KeySize), nil"},
	}},
	{name: "Ed25519 keys of small order are parsed", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "keys.go", "Equal(edwards25519.NewIdentityPoint()) == 1 {", "Equal(edwards25519.NewIdentityPoint()) == 2 {"},
	}},
	{name: "KEM keys are not checked", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "kem.go", "mlkem.NewEncapsulationKey768(b); err != nil {", "mlkem.NewEncapsulationKey768(b); err != nil && len(b) != KEMPublicSize {"},
	}},

	// What a chunk of a file is bound to.
	{name: "the last chunk of a file is sealed like the others", packages: ofFile, edits: []overlay.Edit{
		{crypto + "file/file.go", "if c.last() {", "if false {"},
	}},
	{name: "the chunks of a file have no numbers", packages: ofFile, edits: []overlay.Edit{
		{crypto + "file/file.go", "AppendUint64(nil, c.number)", "AppendUint64(nil, 0)"},
	}},
	{name: "a sealed file may go on", packages: ofFile, edits: []overlay.Edit{
		{crypto + "file/file.go", "n > 0 {\n\t\treturn ErrOpen", "n > 0 {\n\t\treturn nil"},
	}},
	{name: "what pads a file is not looked at", packages: ofFile, edits: []overlay.Edit{
		{crypto + "file/file.go", "if b != 0 {", "if false && b != 0 {"},
	}},
	{name: "a request for a file is for any relay", packages: ofCrypto, edits: []overlay.Edit{
		{crypto + "filerequest.go", "r.Relay.Bytes(), []byte(r.Address.User)", "nil, []byte(r.Address.User)"},
	}},
	{name: "the hash of a file is not looked at", packages: ofClient, edits: []overlay.Edit{
		{client + "savefile.go", "err == nil && [32]byte(hash.Sum(nil)) != m.Sealed.Digest", "err == nil && [32]byte(hash.Sum(nil)) == [32]byte{}"},
	}},
	{name: "any size of a file is believed", packages: ofClient, edits: []overlay.Edit{
		{client + "filecontent.go", "f.Size <= MaxFile &&", "true &&"},
	}},

	// The ratchet's keys.
	{name: "the header is not bound", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "kdf.go", "[]byte{byte(d)}, header)", "[]byte{byte(d)}, header[:0])"},
	}},
	{name: "the directions have equal keys", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "kdf.go", "fromResponder direction = 2", "fromResponder direction = 1"},
	}},
	{name: "the salt is constant", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "salt: s.src.Salt(), ", ""},
	}},
	{name: "the root step leaves out the old root", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "kdf.go", "secret, root[:], string", "secret, root[:0], string"},
	}},
	{name: "the root step leaves out the KEM secret", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "kdf.go", "agreement...), kem...)", "agreement...), kem[:0]...)"},
	}},
	{name: "the next chain key is the key of the message", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "kdf.go", "m.Write(chainKeyInput)", "m.Write(messageKeyInput)"},
	}},
	{name: "no KEM step is ever due", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "return s.sinceKEM >= kemMessages ||", "return false && s.sinceKEM >= kemMessages &&"},
	}},
	{name: "an offer can be answered twice", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "s.offer, s.offered, s.toAnswer = nil, nil, nil", "s.toAnswer = nil"},
	}},
	{name: "offers that come late are not taken", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "if err == nil && h.key == s.peer {", "if false {"},
	}},

	// What the ratchet keeps.
	{name: "a step is kept although the body did not open", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "st := s.hold().copy()\n\tst.prune(now.Unix())\n\topened,", "st := s.hold()\n\tst.prune(now.Unix())\n\topened,"},
	}},
	{name: "states share their skipped keys", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "c.skipped = slices.Clone(s.skipped)", ""},
	}},
	{name: "failures are told apart", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "return Opened{}, State{}, ErrOpen", "return Opened{}, State{}, err"},
	}},
	{name: "the key of a message is not deleted", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "s.receiving.number = h.number + 1\n", "s.receiving.number = h.number + 1\n\ts.skipped = append(s.skipped, skippedKey{h.key, h.number, now.Unix(), message})\n"},
	}},
	{name: "a skipped key is kept after its use", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "ratchet.go", "s.skipped = slices.Delete(s.skipped, i, i+1)", ""},
	}},
	{name: "a number may lie ahead without bound", packages: ofRatchet, run: "^TestSkip", edits: []overlay.Edit{
		{ratchet + "ratchet.go", " || h.number-s.receiving.number > MaxSkip", ""},
	}},
	{name: "a chain may have ended without bound", packages: ofRatchet, run: "^TestSkip", edits: []overlay.Edit{
		{ratchet + "ratchet.go", "h.previous-s.receiving.number > MaxSkip {", "false {"},
	}},
	{name: "skipped keys are kept without bound", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "skipped.go", "len(s.skipped) - MaxSkipped;", "len(s.skipped) - 1<<30;"},
	}},
	{name: "the youngest skipped keys go first", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "skipped.go", "slices.Delete(s.skipped, 0, n)", "slices.Delete(s.skipped, len(s.skipped)-n, len(s.skipped))"},
	}},
	{name: "skipped keys do not age", packages: ofRatchet, edits: []overlay.Edit{
		{ratchet + "skipped.go", "return k.since < oldest", "return k.since < oldest && false"},
	}},

	// Sessions.
	{name: "padding is not checked", packages: ofSession, edits: []overlay.Edit{
		{crypto + "padding/padding.go", "if c != 0 {", "if c != 0 && false {"},
	}},
	{name: "the tag of a session is ignored", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "return e.state.Tag() == tag", "return tag == tag"},
	}},
	{name: "the larger account key leads", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "peer.Account.Bytes()) < 0", "peer.Account.Bytes()) > 0"},
	}},
	{name: "nobody leads", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "!(front.ours && s.leads) && ", ""},
	}},
	{name: "a pending front is never left", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "!(front.pending() && list[i].ours)", "!front.pending()"},
	}},
	{name: "requests wait without bound", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "return pending < MaxPending", "return pending < MaxPending || true"},
	}},
	{name: "sessions are kept without bound", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "s.list[:min(len(s.list), MaxSessions)]", "s.list[:len(s.list):len(s.list)]"},
	}},
	{name: "the secret of the signed prekey stays in the session", packages: ofSession, edits: []overlay.Edit{
		{session + "session.go", "state, err = state.Begin(now); err != nil {", "false {"},
	}},

	// Who is in a group.
	{name: "whoever writes in a group is taken to be in it", packages: ofClient, run: "^TestGroup", edits: []overlay.Edit{
		{client + "group_receive.go", "case g.State == Joined && !s.maySay(st, &g, c, *body.Group):", "case g.State == Joined && !s.maySay(st, &g, c, *body.Group) && false:"},
	}},
	{name: "a member of a group may have another key", packages: ofClient, run: "^TestGroup", edits: []overlay.Edit{
		{client + "group_record.go", "return m != nil && m.Fingerprint == print", "return m != nil"},
	}},
	{name: "what is said in a group goes to another key", packages: ofClient, run: "^TestGroup", edits: []overlay.Edit{
		{client + "group_record.go", "case !c.Certificate.IsZero() && c.Fingerprint != string(m.Fingerprint):", "case false:"},
	}},
	{name: "anybody says who is in a group", packages: ofClient, run: "^TestGroup", edits: []overlay.Edit{
		{client + "group_receive.go", "case string(g.Roster.Owner) != c.Name || ", "case "},
	}},
	{name: "the owner of a group may say two things", packages: ofClient, run: "^TestGroup", edits: []overlay.Edit{
		{client + "group_receive.go", "case r.Epoch <= g.Roster.Epoch, ", "case r.Epoch < g.Roster.Epoch, "},
	}},

	// What the client remembers, and when.
	{name: "copies of requests are answered", packages: ofClient, edits: []overlay.Edit{
		{client + "receive.go", "case seen:\n\t\treturn st, nil // a copy", "case seen && false:\n\t\treturn st, nil // a copy"},
	}},
	{name: "ephemeral keys are not remembered", packages: ofClient, edits: []overlay.Edit{
		{client + "receive.go", "st.AddHandshakes = []Handshake{{r.Signed, r.Ephemeral}}", ""},
	}},
	{name: "a one-time prekey is kept after its use", packages: ofClient, edits: []overlay.Edit{
		{client + "receive.go", "if r.OneTime != 0 {", "if false {"},
	}},
	{name: "a message that does not open changes the session", packages: ofClient, edits: []overlay.Edit{
		{client + "receive.go", "opened, peer, err := peer.Open(sealed, now)\n", "opened, peer, err := peer.Open(sealed, now)\n\tc.Session = peer.State()\n"},
	}},
	{name: "a step counts although it was not written", packages: ofClient, edits: []overlay.Edit{
		{client + "batch.go", "\tb.contacts.restore(s.contacts)\n", ""},
	}},
	{name: "a one-time prekey opens two requests that come together", packages: ofClient, edits: []overlay.Edit{
		{client + "batch.go", "if slices.Contains(b.DropPrekeys, id) {", "if false {"},
	}},
	{name: "a copy of a request that comes with it is answered", packages: ofClient, edits: []overlay.Edit{
		{client + "batch.go", "\t\t\tseen = seen || h.Ephemeral == ephemeral\n", ""},
	}},
	{name: "what lies behind a frame that ends the connection is taken", packages: ofClient, edits: []overlay.Edit{
		{client + "jobs.go", "if st.leave != nil {", "if false {"},
	}},
}
