package tui

import (
	"errors"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"secure-messaging/pkg/client"
)

// luminance and contrast are those of WCAG 2.
func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func TestContrast(t *testing.T) {
	if c := contrast(color.Black, color.White); math.Abs(c-21) > 0.01 {
		t.Fatalf("black on white has %.2f", c)
	}
	dark, light := 0, 0
	for _, p := range palettes {
		least, page := 4.5, lipgloss.Color("#ffffff")
		if light++; p.dark {
			dark, light, page = dark+1, light-1, lipgloss.Color("#000000")
		}
		if p.high {
			least = 7
		}
		check := func(what, fg string, on color.Color) {
			if c := contrast(lipgloss.Color(fg), on); c < least {
				t.Errorf("%s: %s %s has %.2f to 1, and has to have %.1f", p.name, what, fg, c, least)
			}
		}
		for what, fg := range map[string]string{
			"dim": p.dim, "accent": p.accent, "peer": p.peer, "good": p.good, "warn": p.warn, "bad": p.bad, "code": p.code, "text": p.text,
		} {
			check(what, fg, page)
		}
		check("the open conversation", p.text, lipgloss.Color(p.here))
		check("its count", p.accent, lipgloss.Color(p.here))
		for _, c := range []string{p.dim, p.rule, p.accent, p.peer, p.good, p.warn, p.bad, p.code, p.text, p.here} {
			if got := ansi.Convert256(lipgloss.Color(c)); contrast(got, lipgloss.Color(c)) != 1 {
				t.Errorf("%s: %s is not among the 256", p.name, c)
			}
		}
	}
	if dark < 3 || light < 3 {
		t.Errorf("there are %d dark and %d light themes", dark, light)
	}
}

// A theme is tried on by the whole screen, put off again, and kept.
func TestThemes(t *testing.T) {
	var kept []string
	set := usual
	set.KeepTheme = func(name string) error { kept = append(kept, name); return nil }
	inBubble(t, set, talk, func(s *screen, _ *fake) {
		s.press("alt+1")
		night := s.styles()
		s.type_("/theme\r")
		s.shows("Theme", "▌ auto", "night", "paper", "ember", "iris", "contrast-dark", "contrast-light", "make check")
		s.press("down", "down")
		s.shows("▌ ember")
		if now := s.styles(); !strings.Contains(now, "#ffaf5f") || strings.Contains(now, "#87afff") {
			t.Errorf("the screen does not wear it:\n%s", now)
		}
		s.press("esc")
		if s.styles() != night {
			t.Error("it was not put off")
		}
		s.type_("/theme\r")
		s.press("up")
		s.press("enter")
		s.shows("The theme is contrast-light.")
		s.type_("/theme IRIS\r")
		s.shows("The theme is iris.")
		s.type_("/theme pink\r")
		s.shows("There is no theme pink. There are: auto, night, paper,")
		if !slices.Equal(kept, []string{"contrast-light", "iris"}) {
			t.Errorf("kept %q", kept)
		}
	})
}

func TestThemeNotKept(t *testing.T) {
	set := usual
	set.Theme = "ember"
	set.KeepTheme = func(string) error { return errors.New("The file is not yours to write.") }
	inBubble(t, set, talk, func(s *screen, _ *fake) {
		if !strings.Contains(s.styles(), "#ffaf5f") {
			t.Error("the theme that is set is not worn")
		}
		s.type_("/theme auto\r")
		s.shows("The theme is auto until you quit. The file is not yours to write.")
		if strings.Contains(s.styles(), "#ffaf5f") {
			t.Error("the theme was not changed")
		}
	})
}

func TestTwelveHours(t *testing.T) {
	set := usual
	set.TwelveHours = true
	inBubble(t, set, func(f *fake) { f.knows("bob", client.Accepted); f.says("bob", "hi") }, func(s *screen, _ *fake) {
		s.shows("bob  9:41 am", "Sat 1 Jan  9:41 am")
	})
}
