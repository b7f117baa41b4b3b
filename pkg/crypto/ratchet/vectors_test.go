package ratchet_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/ratchet"
)

// stepVector is a message that one side seals, with every step on the way, or
// one that a side opens. Of a sealed one, ratchetSecret and kemSeed stand with
// the first message of their chain; root is the one after the chain's root
// step, chain the key that gives messageKey.
type stepVector struct {
	Do      string `json:"do"` // seal or open
	Side    side   `json:"side"`
	At      int64  `json:"at"`      // by the side's clock, seconds since 1970
	Message int    `json:"message"` // counted from 0 in the order of sealing

	Skipped *int `json:"skipped,omitempty"` // of an opened one: what it reports

	RatchetSecret vectors.Bytes `json:"ratchetSecret,omitempty"`
	KEMSeed       vectors.Bytes `json:"kemSeed,omitempty"`
	Coins         vectors.Bytes `json:"encapsulationCoins,omitempty"`
	Agreement     vectors.Bytes `json:"agreement,omitempty"`
	KEMSecret     vectors.Bytes `json:"kemSecret,omitempty"`
	Root          vectors.Bytes `json:"root,omitempty"`
	Chain         vectors.Bytes `json:"chain,omitempty"`
	MessageKey    vectors.Bytes `json:"messageKey,omitempty"`
	Header        vectors.Bytes `json:"header,omitempty"`
	Key           vectors.Bytes `json:"key,omitempty"`
	Nonce         vectors.Bytes `json:"nonce,omitempty"`
	Content       string        `json:"content,omitempty"`
	Padded        vectors.Bytes `json:"padded,omitempty"`
	Sealed        vectors.Bytes `json:"sealed,omitempty"`
}

type ratchetFile struct {
	ID     vectors.Bytes     `json:"id"`
	Root   vectors.Bytes     `json:"root"`
	Prekey crypto.BoxPrivate `json:"signedPrekeySecret"` // of which the asker knows the public half
	Start  int64             `json:"start"`              // when both have the root, seconds since 1970
	Steps  []stepVector      `json:"steps"`
}

type side string

const (
	asker    side = "asker"
	answerer side = "answerer"
)

func (s side) other() side {
	if s == asker {
		return answerer
	}
	return asker
}

// conversation runs production code on both sides, and beside it the ratchet
// by hand.
type conversation struct {
	contents map[side]int // that each has sealed
	t        *testing.T
	now      time.Time
	states   map[side]ratchet.State
	numbers  map[side]*vectors.Numbers
	hand     vectors.Ratchet
	sealed   []stepVector
	steps    []stepVector
}

func newConversation(t *testing.T) (*conversation, ratchetFile) {
	t.Helper()
	id, root := [32]byte(bytes.Repeat([]byte{0xd1}, 32)), [32]byte(bytes.Repeat([]byte{0xd2}, 32))
	prekey := vectors.Bob().Signed.Box
	c := &conversation{
		t: t, now: vectors.Created, contents: map[side]int{},
		numbers: map[side]*vectors.Numbers{asker: {Side: 0x41}, answerer: {Side: 0x42}},
		hand:    vectors.Ratchet{ID: id[:], Root: root[:], Last: prekey.Public().Bytes()},
	}
	src := map[side]*source.Source{}
	for s, n := range c.numbers {
		src[s] = &source.Source{Box: n.Box, KEM: n.KEM, Encapsulate: n.Encapsulate, Salt: n.Salt}
	}
	c.states = map[side]ratchet.State{
		asker:    ratchet.NewInitiator(id, root, prekey.Public(), c.now, src[asker]),
		answerer: ratchet.NewResponder(id, root, prekey, c.now, src[answerer]),
	}
	return c, ratchetFile{ID: id[:], Root: root[:], Prekey: prekey, Start: c.now.Unix()}
}

// row seals messages of one chain. What their headers must say is written out
// by whoever calls, from the page: which of its chains the side uses, with
// which number the row begins, how long the chain before was, and for each
// message if it carries an offer (o), an answer (a) or neither (-).
func (c *conversation) row(s side, chain int, number, previous uint32, carries string) (messages []int) {
	c.t.Helper()
	for i := range carries {
		n := len(c.sealed)
		c.now = c.now.Add(time.Second)
		c.contents[s]++
		content := fmt.Sprintf(`{"id":"%032x","type":"text","sent_at":%d,"n":%d,"body":"message %d of the %s"}`, n+1, c.now.UnixMilli(), c.contents[s], n, s)
		sealed, next, err := c.states[s].Seal(vectors.Pad([]byte(content)), c.now)
		if err != nil {
			c.t.Fatal(err)
		}
		c.states[s] = next
		v := c.byHand(s, chain, sealed, content)
		if h := c.headerOf(sealed); h != (headerFields{previous, number + uint32(i), carries[i]}) {
			c.t.Errorf("message %d has the header %+v", n, h)
		}
		c.sealed, c.steps = append(c.sealed, v), append(c.steps, v)
		messages = append(messages, n)
	}
	return messages
}

type headerFields struct {
	previous, number uint32
	carries          byte
}

func (c *conversation) headerOf(sealed []byte) headerFields {
	s, err := vectors.SplitMessage(sealed, c.hand.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	carries := byte('-')
	switch {
	case s.Offer != nil && s.Answer != nil:
		carries = '2'
	case s.Offer != nil:
		carries = 'o'
	case s.Answer != nil:
		carries = 'a'
	}
	return headerFields{s.Previous, s.Number, carries}
}

// byHand works the message out once more and compares.
func (c *conversation) byHand(s side, chain int, sealed []byte, content string) stepVector {
	c.t.Helper()
	drawn, direction := c.numbers[s], byte(1)
	if s == answerer {
		direction = 2
	}
	c.hand.Know(drawn)
	h, err := c.hand.Step(sealed, direction)
	if err != nil {
		c.t.Fatal(err)
	}
	padded := vectors.Pad([]byte(content))
	if !bytes.Equal(h.Body, vectors.Boxed(h.Key, h.Nonce, padded)) {
		c.t.Errorf("by hand message %d is another", len(c.sealed))
	}
	if len(drawn.Scalars) != chain+1 || !bytes.Equal(h.R, vectors.Public(drawn.Scalars[chain])) || !bytes.Equal(h.Salt, drawn.Salts[len(drawn.Salts)-1]) {
		c.t.Errorf("message %d is of another chain or has another salt", len(c.sealed))
	}
	v := stepVector{
		Do: "seal", Side: s, At: c.now.Unix(), Message: len(c.sealed), Agreement: h.Agreement, KEMSecret: h.KEM, Root: h.Root, Chain: h.Chain,
		MessageKey: h.Message, Header: h.Header, Key: h.Key, Nonce: h.Nonce, Content: content, Padded: padded, Sealed: sealed,
	}
	if h.Agreement != nil {
		v.RatchetSecret = drawn.Scalars[chain]
		if h.Offer != nil {
			v.KEMSeed = drawn.Seeds[len(drawn.Seeds)-1]
		}
		if h.Answer != nil {
			v.Coins = drawn.Coins[len(drawn.Coins)-1]
		}
	}
	return v
}

// opens lets the other side open messages, of which the first reports so many
// skipped ones and the others none.
func (c *conversation) opens(skipped int, messages ...int) {
	c.t.Helper()
	for _, m := range messages {
		v := c.sealed[m]
		s := v.Side.other()
		c.now = c.now.Add(time.Second)
		opened, next, err := c.states[s].Open(v.Sealed, c.now)
		if err != nil {
			c.t.Fatalf("message %d: %v", m, err)
		}
		if !bytes.Equal(opened.Padded, v.Padded) || opened.Skipped != skipped {
			c.t.Errorf("message %d is opened as another, or %d are skipped", m, opened.Skipped)
		}
		c.states[s] = next
		c.steps = append(c.steps, stepVector{Do: "open", Side: s, At: c.now.Unix(), Message: m, Skipped: &opened.Skipped})
		skipped = 0
	}
}

// The production code seals and opens; every step is done here once more by
// hand, and what is due when is written out.
func TestVectors(t *testing.T) {
	c, file := newConversation(t)
	c.opens(0, c.row(asker, 0, 0, 0, "---")...)
	c.opens(0, c.row(answerer, 0, 0, 0, "--")...)
	late := c.row(asker, 1, 0, 3, "----")
	c.opens(0, late[0], late[1])
	c.opens(1, late[3]) // one is overtaken
	c.opens(0, c.row(answerer, 1, 0, 2, "-----")...)
	c.opens(0, c.row(asker, 2, 0, 4, "------")...)
	c.opens(0, late[2]) // under a skipped key: this one does not count for the next offer
	c.opens(0, c.row(answerer, 2, 0, 5, "-")...)

	// Twenty-one have been sealed or opened at the asker: an offer, in the
	// first four, of which the first is overtaken. Its answer is in all.
	offer := c.row(asker, 3, 0, 6, "oooo-")
	c.opens(1, offer[1])
	c.opens(0, offer[2], offer[0], offer[3], offer[4])
	answer := c.row(answerer, 3, 0, 1, "aaa")
	c.opens(1, answer[1])
	c.opens(0, answer[0], answer[2])

	// An hour is enough, too. The last message of the answer comes late, and
	// the asker has begun a chain meanwhile.
	c.now = c.now.Add(time.Hour)
	c.opens(0, c.row(asker, 4, 0, 5, "o")...)
	answer = c.row(answerer, 4, 0, 3, "aa")
	c.opens(0, answer...)
	crossed := c.row(asker, 5, 0, 1, "-")
	last := c.row(answerer, 4, 2, 3, "a")
	c.opens(0, crossed...)
	next := c.row(answerer, 5, 0, 3, "-")
	c.opens(1, next...)
	c.opens(0, last...)

	// And the answerer offers.
	c.opens(0, c.row(asker, 6, 0, 1, "-")...)
	c.now = c.now.Add(time.Hour)
	c.opens(0, c.row(answerer, 6, 0, 1, "o")...)
	c.opens(0, c.row(asker, 7, 0, 1, "aa")...)
	c.opens(0, c.row(answerer, 7, 0, 1, "-")...)

	file.Steps = c.steps
	vectors.Check(t, "ratchet.json", file)
}
