package crosscheck_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/session"
)

// talk is a conversation of two devices, and counts what each has shown.
type talk struct {
	t    *testing.T
	now  time.Time
	seen map[string]*shown
}

// shown is what one device has sealed.
type shown struct{ messages, offers, answers int }

func newTalk(t *testing.T) *talk {
	return &talk{t: t, now: time.Unix(1_735_787_045, 0), seen: map[string]*shown{"go": {}, "javascript": {}}}
}

// begin lets a ask b, and b accept.
func (k *talk) begin(a, b device, to session.Bundle) {
	k.t.Helper()
	k.joins(b, a.ask(to, k.content("request"), k.now), a.bundle().Certificate)
	k.passes(0, a, k.seal(b))
}

func (k *talk) content(body string) string {
	k.now = k.now.Add(time.Second)
	return fmt.Sprintf(`{"id":"%032x","type":"text","sent_at":%d,"n":1,"body":"%s →"}`, k.now.UnixMilli(), k.now.UnixMilli(), body)
}

// joins opens a request, once, after altered copies of it were refused.
func (k *talk) joins(b device, data []byte, from crypto.Certificate) {
	k.t.Helper()
	for at := 0; at < len(data); at += 97 {
		altered := bytes.Clone(data)
		altered[at] ^= 1
		if _, _, ok := b.join(altered, k.now); ok {
			k.t.Errorf("%s takes a request of which byte %d was altered", b.name(), at)
		}
	}
	content, asker, ok := b.join(data, k.now)
	if !ok || !bytes.Contains([]byte(content), []byte(`"body":"request →"`)) || !bytes.Equal(asker.Raw(), from.Raw()) {
		k.t.Fatalf("%s does not open the request: %q", b.name(), content)
	}
	if _, _, ok := b.join(data, k.now); ok {
		k.t.Errorf("%s opens a copy of a request", b.name())
	}
}

// sent is a message on its way.
type sent struct {
	content string
	data    []byte
}

func (k *talk) seal(d device) sent {
	k.t.Helper()
	content := k.content("from " + d.name())
	data := d.seal(content, k.now)
	s := k.seen[d.name()]
	s.messages++
	s.offers += int(data[2] & 1)
	s.answers += int(data[2] >> 1 & 1)
	return sent{content, data}
}

// passes opens a message, once, after an altered copy of it was refused.
func (k *talk) passes(skipped int, to device, m sent) {
	k.t.Helper()
	altered := bytes.Clone(m.data)
	altered[int(k.now.Unix())%len(altered)] ^= 1
	if _, _, ok := to.open(altered, k.now); ok {
		k.t.Errorf("%s opens an altered message", to.name())
	}
	content, n, ok := to.open(m.data, k.now)
	if !ok || content != m.content || n != skipped {
		k.t.Fatalf("%s opens %q as %q (%v), with %d skipped", to.name(), m.content, content, ok, n)
	}
	if _, _, ok := to.open(m.data, k.now); ok {
		k.t.Errorf("%s opens a copy", to.name())
	}
}

// goOn lets both talk until each has offered and answered an ML-KEM key:
// because enough was said, because an hour has gone by, with messages that
// were overtaken in one chain and over its end.
func (k *talk) goOn(a, b device) {
	k.t.Helper()
	for range 12 {
		for _, way := range [][2]device{{a, b}, {b, a}} {
			k.passes(0, way[1], k.seal(way[0]))
			k.passes(0, way[1], k.seal(way[0]))
		}
	}
	for _, way := range [][2]device{{a, b}, {b, a}} {
		from, to := way[0], way[1]
		k.passes(0, from, k.seal(to))
		k.now = k.now.Add(time.Hour)
		first, second, third := k.seal(from), k.seal(from), k.seal(from)
		k.passes(0, to, first)
		k.passes(1, to, third)
		k.passes(0, from, k.seal(to)) // answers
		k.passes(0, to, second)
		last := k.seal(from)
		k.passes(0, from, k.seal(to))
		k.passes(0, to, last)
		left := k.seal(from)
		k.passes(0, from, k.seal(to))
		k.passes(1, to, k.seal(from))
		k.passes(0, to, left)
	}
	for name, s := range k.seen {
		if s.messages < 20 || s.offers == 0 || s.answers == 0 {
			k.t.Errorf("%s has shown %+v", name, *s)
		}
	}
}

func withoutOneTime(b session.Bundle) session.Bundle {
	b.OneTime = crypto.Prekey{}
	return b
}

func goAsks(t *testing.T, dir string) {
	k := newTalk(t)
	g, js := newGoDevice(t, k.now), newJSDevice(t, dir, k.now)
	k.begin(g, js, js.bundle())
	k.goOn(g, js)
	k.begin(g, js, withoutOneTime(js.bundle())) // asks again
	k.goOn(g, js)
}

func javaScriptAsks(t *testing.T, dir string) {
	k := newTalk(t)
	g, js := newGoDevice(t, k.now), newJSDevice(t, dir, k.now)
	k.begin(js, g, g.bundle())
	k.goOn(js, g)
	k.begin(js, g, withoutOneTime(g.bundle()))
	k.goOn(js, g)
}

// When requests cross, each answers in the other's session, and both end in
// the one of the smaller account key.
func bothAsk(t *testing.T, dir string) {
	k := newTalk(t)
	g, js := newGoDevice(t, k.now), newJSDevice(t, dir, k.now)
	byGo := g.ask(js.bundle(), k.content("request"), k.now)
	byJS := js.ask(g.bundle(), k.content("request"), k.now)
	k.joins(js, byGo, g.certificate)
	k.joins(g, byJS, js.bundle().Certificate)
	toGo, toJS := k.seal(js), k.seal(g)
	if !sameSession(toGo, byGo) || !sameSession(toJS, byJS) {
		t.Error("they do not answer in each other's session")
	}
	k.passes(0, g, toGo)
	k.passes(0, js, toJS)
	k.goOn(g, js)

	ending := byGo
	if bytes.Compare(g.certificate.Account.Bytes(), js.bundle().Certificate.Account.Bytes()) > 0 {
		ending = byJS
	}
	if !sameSession(k.seal(g), ending) || !sameSession(k.seal(js), ending) {
		t.Error("they do not end in the session of the smaller account key")
	}
}

// sameSession compares the tags of a message and of the one in a request.
func sameSession(m sent, request []byte) bool {
	message := request[1132+int(request[1130])<<8+int(request[1131]):]
	return bytes.Equal(m.data[3:11], message[3:11])
}
