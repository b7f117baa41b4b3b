package tui

import (
	"testing"

	"secure-messaging/pkg/client"
)

func TestCompletion(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		for _, name := range []string{"bob", "bobby", "carol"} {
			f.knows(name, client.Accepted)
		}
	}, func(s *screen, f *fake) {
		for _, c := range []struct{ typed, want string }{
			{"ask Car\t", "ask Carol ."},
			{"ask b\t", "ask bob."},
			{"ask bobb\t", "ask bobby ."},
			{"zzz\t", "zzz."},
			{"look :tad\t", "look 🎉."},
			{":th\t", ":th."},
			{":thumbsu\t", "👍."},
			{":+1:\t", "👍."},
			{"/disappear 3\t", "/disappear 30m ."},
			{"/receipts of\t", "/receipts off ."},
			{"/verify ca\t", "/verify carol ."},
			{"say  to them\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Dcar\t", "say carol . to them"}, // in the middle
		} {
			s.type_(c.typed + ".")
			if got := s.model.composer.value(); got != c.want {
				t.Errorf("%q gives %q, want %q", c.typed, got, c.want)
			}
			s.press("ctrl+c")
		}
		s.type_("bob\t")
		s.shows("bob, bobby", "❯ bob")
		s.press("ctrl+c")
		s.type_(":th\t")
		s.shows("🤔 :thinking:, 👎 :thumbsdown:, 👍 :thumbsup:")
	})
}

func TestEmojiAreUsable(t *testing.T) {
	names := map[string]bool{}
	for _, e := range emoji {
		if names[e.name] || len(e.sign) > client.MaxReaction || cleanMessage(client.Message{Text: e.sign}).Text != e.sign {
			t.Errorf("%s is there twice, or %q does not arrive as it is", e.name, e.sign)
		}
		names[e.name] = true
	}
	for _, r := range commonReactions {
		found := false
		for _, e := range emoji {
			found = found || e.sign == r
		}
		if !found {
			t.Errorf("%s has no name", r)
		}
	}
}

// TestFirstMessageIsFollowedUp: what it is worth to know that it went to them is
// said after the first one, and then never again.
func TestFirstMessageIsFollowedUp(t *testing.T) {
	const offer = "alt+v shows a number to compare"
	inBubble(t, usual, withBob, func(s *screen, f *fake) {
		f.says("bob", "hello")
		s.wait()
		s.type_("hi\r")
		s.shows("Is it really bob?", offer)
		s.pass(2 * glance)
		s.type_("how are you?\r")
		s.hides(offer)
	})
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		f.trusted("bob", client.Verified)
	}, func(s *screen, f *fake) {
		s.type_("hi\r")
		s.hides(offer)
	})
	inBubble(t, usual, func(f *fake) {
		withBob(f)
		f.wrote("bob", "long ago", client.Delivered, "")
		history(300)(f)
	}, func(s *screen, f *fake) {
		s.type_("hi\r")
		s.hides(offer)
	})
}
