package client

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFileName(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, want := range map[string]string{
		"report.pdf":                 "report.pdf",
		"Jahresbericht für Ömer.pdf": "Jahresbericht für Ömer.pdf",
		"../../etc/passwd":           "passwd",
		`..\..\boot.ini`:             "boot.ini",
		"/":                          "file",
		"":                           "file",
		".":                          "file",
		"...":                        "file",
		".bashrc":                    "bashrc",
		"a\x00b\x1b[31m\n.txt":       "ab[31m.txt",
		"gpj.\u202eexe.jpg":          "gpj.exe.jpg",
		"zero\u200bwidth":            "zerowidth",
		"line\u2028break":            "linebreak",
		"trailing. . ":               "trailing",
		"con":                        "_con",
		"COM1.txt":                   "_COM1.txt",
		"aux.tar.gz":                 "_aux.tar.gz",
		"company.txt":                "company.txt",
		"a:b*c?d":                    "a_b_c_d",
		"\xff\xfe":                   "__",
		long + ".pdf":                long[:maxFileName-4] + ".pdf",
		"x." + long:                  ("x." + long)[:maxFileName],
		strings.Repeat("ü", 200):     strings.Repeat("ü", 127),
	} {
		if got := FileName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"report.pdf": "report (2).pdf", "file": "file (2)", long[:maxFileName-4] + ".pdf": long[:maxFileName-8] + " (2).pdf"} {
		if got := numberedName(name, 1); got != want {
			t.Errorf("the second %q is %q, want %q", name, got, want)
		}
	}
}

// FuzzFileName looks for a name that is not one file in its folder.
func FuzzFileName(f *testing.F) {
	for _, name := range []string{"report.pdf", "../../etc/passwd", "con.txt", ".\u202e", "a\x00/b", strings.Repeat("x.", 200), "C:\\nul"} {
		f.Add(name, 0)
		f.Add(name, 999)
	}
	f.Fuzz(func(t *testing.T, name string, n int) {
		if n < 0 || n > maxNumbered {
			return
		}
		got := numberedName(FileName(name), n)
		switch {
		case got == "", len(got) > maxFileName, !utf8.ValidString(got), filepath.Base(got) != got, !filepath.IsLocal(got),
			strings.HasPrefix(got, "."), strings.ContainsFunc(got, unicode.IsControl), strings.ContainsAny(got, `/\:`):
			t.Errorf("%q becomes %q", name, got)
		}
		stem, _ := splitName(got)
		if isDevice(stem) {
			t.Errorf("%q becomes the device %q", name, got)
		}
	})
}
