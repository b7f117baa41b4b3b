package client

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// namelessFile stands for a name of which nothing is left.
const namelessFile = "file"

// FileName makes the name that somebody gave a file fit for any disk: one name
// without folders, not hidden, without control characters or what turns the
// direction of text, and none that Windows takes for a device. It is never empty.
func FileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`:*?"<>|`, r), r == utf8.RuneError:
			return '_'
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, ". "), ". ") // Windows drops what stands at the end
	stem, ext := splitName(name)
	if isDevice(stem) {
		stem = "_" + stem
	}
	name = shorten(stem, ext)
	if name == "" {
		return namelessFile
	}
	return name
}

// splitName parts a name at its last dot.
func splitName(name string) (stem, ext string) {
	ext = filepath.Ext(name)
	return strings.TrimSuffix(name, ext), ext
}

// shorten joins the two within maxFileName.
func shorten(stem, ext string) string {
	if len(ext) > maxFileName/4 { // not what it looks like
		stem, ext = stem+ext, ""
	}
	for len(stem)+len(ext) > maxFileName {
		_, n := utf8.DecodeLastRuneInString(stem)
		stem = strings.TrimRight(stem[:len(stem)-n], ". ")
	}
	return stem + ext
}

// numberedName is the name of a file for which n others have taken the name.
func numberedName(name string, n int) string {
	if n == 0 {
		return name
	}
	stem, ext := splitName(name)
	return shorten(stem, fmt.Sprintf(" (%d)%s", n+1, ext))
}

// isDevice reports whether Windows takes a name for that of a device, with
// whatever behind a dot.
func isDevice(stem string) bool {
	stem, _, _ = strings.Cut(strings.ToUpper(stem), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if digit, ok := strings.CutPrefix(stem, port); ok && (len(digit) == 1 && digit >= "0" && digit <= "9" || digit == "¹" || digit == "²" || digit == "³") {
			return true
		}
	}
	return false
}
