package ratelimit

import (
	"strings"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	for name, l := range map[string]Limits{"defaults": Default(), "unlimited": Unlimited()} {
		if err := l.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if back, err := Parse(Format(l)); err != nil || back != l {
			t.Errorf("%s are read back as %+v, %v", name, back, err)
		}
	}
}

func TestParse(t *testing.T) {
	want := Default()
	want.ConnectionsPerAddress = 7
	want.RegistrationsPerAddress = Rate{}
	want.BytesPerUser = Rate{512 << 10, time.Second, 1 << 30}
	want.PrekeyFetchesPerUser = Rate{100, day, 5}
	want.RequestsPerAddress = Rate{1, time.Minute, 1}
	want.StoreBytes = 3 << 20
	l, err := Parse([]byte(`// Ours.
{
	"connectionsPerAddress": 7, "registrationsPerAddress": "off",
	  // "connections": 5,
	"bytesPerUser": "512 KiB/s burst 1 GiB",` + "\r\n\t\t// \"connections\": 6,\r\n" + `
	"prekeyFetchesPerUser": "100/d burst 5", "requestsPerAddress": "1/min burst 1",
	"storeBytes": "3 MiB"
}`))
	if err != nil || l != want {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err := Parse([]byte("{}")); err != nil || l != Default() {
		t.Errorf("nothing is %+v, %v", l, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for file, want := range map[string]string{
		``:                                         "not valid JSON at line 1",
		"{\n\"connections\": 5,\n}":                "not valid JSON at line 2",
		"{\n\n\"connections\": 5 // five\n}":       "not valid JSON at line 3",
		`[]`:                                       "not a JSON object",
		`{"connections":5,"connections":5}`:        `"connections" stands there twice`,
		`{"conections":5}`:                         `there is no limit "conections"`,
		`{"Connections":5}`:                        `there is no limit "Connections"`,
		`{"connections":0}`:                        "connections is a number from 1 to 1048576",
		`{"connections":-1}`:                       "connections is a number from 1 to 1048576",
		`{"connections":1048577}`:                  "connections is a number from 1 to 1048576",
		`{"connections":1e3}`:                      "connections is a number",
		`{"connections":1.5}`:                      "connections is a number",
		`{"connections":"5"}`:                      "connections is a number",
		`{"connections":"off"}`:                    "connections is a number",
		`{"connections":null}`:                     "connections is a number",
		`{"connections":[5]}`:                      "connections is a number",
		`{"mailboxDays":3651}`:                     "mailboxDays is a number from 1 to 3650",
		`{"mailboxBytes":268435456}`:               `mailboxBytes is a size in KiB, MiB or GiB, from "512 KiB" to "1048576 GiB"`,
		`{"mailboxBytes":"256MiB"}`:                "mailboxBytes is a size",
		`{"mailboxBytes":"1 KiB"}`:                 "mailboxBytes is a size",
		`{"mailboxBytes":"0.5 GiB"}`:               "mailboxBytes is a size",
		`{"mailboxBytes":"-1 GiB"}`:                "mailboxBytes is a size",
		`{"mailboxBytes":"9000000000 GiB"}`:        "mailboxBytes is a size",
		`{"registrations":"1/s"}`:                  `registrations is "off", or a rate for s, min, h or d with a burst from 1 to 1073741824, such as "1/s burst 200"`,
		`{"registrations":"0/s burst 5"}`:          "registrations is",
		`{"registrations":"+1/s burst 5"}`:         "registrations is",
		`{"registrations":"1/s burst 0"}`:          "registrations is",
		`{"registrations":"1/week burst 5"}`:       "registrations is",
		`{"registrations":"1/s  burst 5"}`:         "registrations is",
		`{"registrations":5}`:                      "registrations is",
		`{"registrations":"OFF"}`:                  "registrations is",
		`{"registrations":""}`:                     "registrations is",
		`{"framesPerUser":"19/s burst 1000"}`:      `framesPerUser is "off", or a rate of 20/s at the least`,
		`{"framesPerUser":"20/s burst 99"}`:        "with a burst from 100 to",
		`{"bytesPerUser":"100/s burst 5000"}`:      "bytesPerUser is",
		`{"bytesPerUser":"1 MiB/s burst 511 KiB"}`: `128 KiB/s at the least for s, min, h or d with a burst from 512 KiB to`,
		"{}" + strings.Repeat(" ", MaxFile):        "over 64 KiB",
	} {
		l, err := Parse([]byte(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, not %q", file, err, want)
		}
		if l != (Limits{}) {
			t.Errorf("%.80s: limits beside an error", file)
		}
	}
}

// Limits that a program has made are checked like those of a file.
func TestValidate(t *testing.T) {
	for _, e := range entries {
		l := Default()
		if e.rate != nil {
			e.rate(&l).Per = 2 * time.Second
		} else {
			*e.number(&l) = 0
		}
		if err := l.Validate(); err == nil || !strings.HasPrefix(err.Error(), e.name+" is ") {
			t.Errorf("%s: %v", e.name, err)
		}
	}
	if (Limits{}).Validate() == nil {
		t.Error("no limits at all are valid")
	}
}

// What is read is valid, and is printed so that it reads back the same.
func FuzzParse(f *testing.F) {
	f.Add(Format(Default()))
	f.Add(Format(Unlimited()))
	f.Add([]byte(`{"registrations":"7/d burst 8","storeBytes":"1025 KiB"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		l, err := Parse(file)
		if err != nil {
			return
		}
		if err := l.Validate(); err != nil {
			t.Fatalf("read, and not valid: %v", err)
		}
		if back, err := Parse(Format(l)); err != nil || back != l {
			t.Fatalf("%+v is read back as %+v, %v", l, back, err)
		}
	})
}
