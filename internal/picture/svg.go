package main

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// Sizes in pixels. A cell is as wide as most monospaced fonts make a letter of
// that size, and text is fitted to it where a font does otherwise.
const (
	fontSize = 14
	cellW    = 8.4
	cellH    = 18.0
	margin   = 14.0
	titleBar = 34.0
)

const (
	fonts      = `ui-monospace,'JetBrains Mono','SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace`
	wideFonts  = `'Apple Color Emoji','Segoe UI Emoji','Noto Color Emoji',` + fonts
	background = "#15171c"
	foreground = "#d5d8de"
	bar        = "#1f2229"
	edge       = "#34383f"
	cursorInk  = "#87afff"
)

// draw makes a picture of the terminal in a window.
func draw(e *vt.Emulator) []byte {
	w, h := float64(e.Width())*cellW+2*margin, float64(e.Height())*cellH+2*margin+titleBar
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" xml:space="preserve" role="img" aria-label="chat in a terminal: people at the left, a conversation at the right">`+"\n", w, h, w, h)
	fmt.Fprintf(&b, `<style>text{font:%dpx %s;fill:%s;white-space:pre}.b{font-weight:bold}.i{font-style:italic}.w{font-family:%s}</style>`+"\n", fontSize, fonts, foreground, wideFonts)
	fmt.Fprintf(&b, `<rect x=".5" y=".5" width="%.0f" height="%.0f" rx="10" fill="%s" stroke="%s"/>`+"\n", w-1, h-1, background, edge)
	fmt.Fprintf(&b, `<path d="M1 %.0fV11a10 10 0 0 1 10-10H%.0fa10 10 0 0 1 10 10V%.0fz" fill="%s"/>`+"\n", titleBar, w-11, titleBar, bar)
	for i, ink := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="%.0f" r="6" fill="%s"/>`+"\n", 20+i*20, titleBar/2, ink)
	}
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle" fill-opacity=".6">chat</text>`+"\n", w/2, titleBar/2+5)
	fmt.Fprintf(&b, `<g transform="translate(%.0f %.0f)">`+"\n", margin, margin+titleBar)
	for y := range e.Height() {
		for _, r := range runs(e, y) {
			r.draw(&b, y)
		}
	}
	if pos := e.CursorPosition(); !e.CursorHidden() {
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="2" height="%.0f" fill="%s"/>`+"\n", float64(pos.X)*cellW, float64(pos.Y)*cellH+1, cellH-2, cursorInk)
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// run is a part of a line that is painted in one way.
type run struct {
	x, cells int
	text     string
	alone    bool // one sign, which is wide or a line
	style    uv.Style
}

// runs cuts line y into parts: of one style, and of what has one kind of width,
// so that a wide letter that a font draws otherwise moves nothing beside it.
func runs(e *vt.Emulator, y int) (all []run) {
	for x := 0; x < e.Width(); {
		c := e.CellAt(x, y)
		if c == nil || c.Width == 0 {
			x++
			continue
		}
		alone := c.Width > 1 || strings.ContainsAny(c.Content, lines)
		last := len(all) - 1
		if !alone && last >= 0 && !all[last].alone && all[last].style.Equal(&c.Style) {
			all[last].text += c.Content
			all[last].cells++
		} else {
			all = append(all, run{x, c.Width, c.Content, alone, c.Style})
		}
		x += c.Width
	}
	return all
}

func (r run) draw(b *bytes.Buffer, y int) {
	ink, paper := hex(r.style.Fg, foreground), hex(r.style.Bg, "")
	if r.style.Attrs&uv.AttrReverse != 0 {
		ink, paper = hex(r.style.Bg, background), hex(r.style.Fg, foreground)
	}
	x, top, width := float64(r.x)*cellW, float64(y)*cellH, float64(r.cells)*cellW
	if paper != "" {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.0f" fill="%s"/>`+"\n", x, top, width, cellH, paper)
	}
	if d := stroke(r.text, x, top); d != "" {
		fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s"/>`+"\n", d, ink)
		return
	}
	text := strings.TrimRight(r.text, " ")
	if text == "" {
		return
	}
	lead := len(text) - len(strings.TrimLeft(text, " "))
	x, width = x+float64(lead)*cellW, width-float64(lead+len(r.text)-len(text))*cellW
	attrs := ""
	if class := r.class(); class != "" {
		attrs += ` class="` + class + `"`
	}
	if ink != foreground {
		attrs += ` fill="` + ink + `" style="fill:` + ink + `"`
	}
	if r.style.Attrs&uv.AttrFaint != 0 {
		attrs += ` fill-opacity=".6"`
	}
	if r.style.Underline != 0 {
		attrs += ` text-decoration="underline"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" textLength="%.1f"%s>%s</text>`+"\n", x, top+cellH-5, width, attrs, html.EscapeString(text[lead:]))
}

func (r run) class() string {
	var class []string
	if r.style.Attrs&uv.AttrBold != 0 {
		class = append(class, "b")
	}
	if r.style.Attrs&uv.AttrItalic != 0 {
		class = append(class, "i")
	}
	if r.alone && r.cells > 1 {
		class = append(class, "w")
	}
	return strings.Join(class, " ")
}

// lines are the signs that are drawn as lines, so that they meet.
const lines = "─│┬┴├╭╮╰╯▌▏"

// stroke is the path of such a sign, or "".
func stroke(sign string, x, y float64) string {
	mx, my, ex, ey := x+cellW/2, y+cellH/2, x+cellW, y+cellH
	across := fmt.Sprintf("M%.1f %.1fH%.1f", x, my, ex)
	switch sign {
	case "─":
		return across
	case "│":
		return fmt.Sprintf("M%.1f %.1fV%.1f", mx, y, ey)
	case "┬":
		return across + fmt.Sprintf("M%.1f %.1fV%.1f", mx, my, ey)
	case "┴":
		return across + fmt.Sprintf("M%.1f %.1fV%.1f", mx, y, my)
	case "├":
		return fmt.Sprintf("M%.1f %.1fV%.1fM%.1f %.1fH%.1f", mx, y, ey, mx, my, ex)
	case "╭":
		return fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", mx, ey, mx, my, ex, my)
	case "╮":
		return fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", x, my, mx, my, mx, ey)
	case "╰":
		return fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", mx, y, mx, my, ex, my)
	case "╯":
		return fmt.Sprintf("M%.1f %.1fQ%.1f %.1f %.1f %.1f", x, my, mx, my, mx, y)
	case "▌":
		return fmt.Sprintf("M%.1f %.1fV%.1fM%.1f %.1fV%.1fM%.1f %.1fV%.1f", x+0.5, y, ey, x+1.5, y, ey, x+2.5, y, ey)
	case "▏":
		return fmt.Sprintf("M%.1f %.1fV%.1f", x+0.5, y, ey)
	}
	return ""
}

func hex(c color.Color, otherwise string) string {
	if c == nil {
		return otherwise
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
