package protocol_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func codeOf(err error) protocol.Code {
	var r *protocol.Refusal
	if !errors.As(err, &r) {
		return ""
	}
	return r.Code
}

// saysOnly is everything that a refusal may say. Nothing of it comes from the
// input: a text that is not listed here quotes.
var saysOnly = regexp.MustCompile(`^(` + strings.Join([]string{
	`a (frame|body) has at most [0-9]+ bytes`,
	`this relay or client knows no frame of that type`,
	`a frame is one JSON object`,
	`a frame begins with its "type" member`,
	`"type" is a string`,
	`not valid JSON in UTF-8`,
	`(the body|authenticate|authenticated|connect_request|connection_request|accept_connection|connection_accepted|reject_connection|block|encrypted_message|publish_prekeys|fetch_prekeys|prekeys|prekey_stock|presence|ack|caught_up|challenge|receipt|error): ` +
		`(a member is unknown or wrongly cased|a member stands twice|not valid JSON in UTF-8|a member has a value of the wrong form|it cannot be read)`,
	`the member "[a-zA-Z]{2,16}" is missing or empty`,
	`"(data|encryptedData|nonce|signed|oneTime|signedPrekey)" has at most [0-9]+ bytes before base64`,
	`"(host|code|message)" has at most [0-9]+ bytes`,
	`"seq" is at most 2\^53-1`, `"time" is from 1 to 2\^53-1`, `"version" is from 1 to [0-9]+`, `"code" is made of a-z and _`,
	`"recipients" and "encryptedData" have the same length, at least 1`, `a message has at most [0-9]+ recipients`, `a recipient stands twice`,
	`at most [0-9]+ one-time prekeys go in one frame`, `"oneTime" is from 0 to [0-9]+`,
	`"stored" does not come through the mailbox`, `"state" is stored, delivered or expired`, `"retryAfter" is at most 2\^53-1`, `"state" is online or offline`, `presence is shared with at most [0-9]+ people`,
}, "|") + `)$`)

// swap gives a good frame with one part of its text replaced.
func swap(f protocol.Frame, old, new string) string {
	text := string(protocol.Encode(f))
	if strings.Count(text, old) != 1 {
		panic("the frame has not exactly one " + old)
	}
	return strings.Replace(text, old, new, 1)
}

type refusal struct {
	rule, text string
	code       protocol.Code
}

// strictness is tried on one small frame: it holds for all.
var strictness = []refusal{
	{"nothing", ``, protocol.CodeBadFrame},
	{"spaces", `   `, protocol.CodeBadFrame},
	{"null", `null`, protocol.CodeBadFrame},
	{"an array", `[{"type":"ack","seq":1}]`, protocol.CodeBadFrame},
	{"a string", `"ack"`, protocol.CodeBadFrame},
	{"an empty object", `{}`, protocol.CodeBadFrame},
	{"no type", `{"seq":1}`, protocol.CodeBadFrame},
	{"type is not first", `{"seq":1,"type":"ack"}`, protocol.CodeBadFrame},
	{"type is wrongly cased", `{"Type":"ack","seq":1}`, protocol.CodeBadFrame},
	{"type is null", `{"type":null,"seq":1}`, protocol.CodeBadFrame},
	{"type is a number", `{"type":1,"seq":1}`, protocol.CodeBadFrame},
	{"type stands twice", `{"type":"ack","type":"ack","seq":1}`, protocol.CodeBadFrame},
	{"type stands again at the end", `{"type":"ack","seq":1,"type":"block"}`, protocol.CodeBadFrame},
	{"type stands twice, once escaped", `{"type":"ack","\u0074ype":"ack","seq":1}`, protocol.CodeBadFrame},
	{"unknown type", `{"type":"acks","seq":1}`, protocol.CodeUnknownType},
	{"empty type", `{"type":"","seq":1}`, protocol.CodeUnknownType},
	{"type in another case", `{"type":"ACK","seq":1}`, protocol.CodeUnknownType},
	{"type with a space", `{"type":"ack ","seq":1}`, protocol.CodeUnknownType},
	{"comma behind type", `{"type":"ack",}`, protocol.CodeBadFrame},
	{"comma behind the last member", `{"type":"ack","seq":1,}`, protocol.CodeBadFrame},
	{"two commas", `{"type":"ack",,"seq":1}`, protocol.CodeBadFrame},
	{"comma first", `{,"type":"ack","seq":1}`, protocol.CodeBadFrame},
	{"no comma", `{"type":"ack" "seq":1}`, protocol.CodeBadFrame},
	{"semicolon", `{"type":"ack";"seq":1}`, protocol.CodeBadFrame},
	{"no colon", `{"type" "ack","seq":1}`, protocol.CodeBadFrame},
	{"name without quotes", `{"type":"ack",seq:1}`, protocol.CodeBadFrame},
	{"single quotes", `{'type':'ack','seq':1}`, protocol.CodeBadFrame},
	{"comment", `{"type":"ack",/**/"seq":1}`, protocol.CodeBadFrame},
	{"open after type", `{"type":"ack"`, protocol.CodeBadFrame},
	{"open after comma", `{"type":"ack",`, protocol.CodeBadFrame},
	{"open after name", `{"type":"ack","seq":`, protocol.CodeBadFrame},
	{"open", `{"type":"ack","seq":1`, protocol.CodeBadFrame},
	{"closed by another bracket", `{"type":"ack","seq":1]`, protocol.CodeBadFrame},
	{"something behind", `{"type":"ack","seq":1}x`, protocol.CodeBadFrame},
	{"a second frame behind", `{"type":"ack","seq":1}{"type":"ack","seq":2}`, protocol.CodeBadFrame},
	{"a zero byte behind", "{\"type\":\"ack\",\"seq\":1}\x00", protocol.CodeBadFrame},
	{"byte order mark", "\ufeff" + `{"type":"ack","seq":1}`, protocol.CodeBadFrame},
	{"unknown member", `{"type":"ack","seq":1,"extra":1}`, protocol.CodeBadFrame},
	{"empty member name", `{"type":"ack","seq":1,"":1}`, protocol.CodeBadFrame},
	{"wrongly cased member", `{"type":"ack","Seq":1}`, protocol.CodeBadFrame},
	{"wrongly cased member beside the right one", `{"type":"ack","seq":1,"SEQ":1}`, protocol.CodeBadFrame},
	{"member twice", `{"type":"ack","seq":1,"seq":1}`, protocol.CodeBadFrame},
	{"member twice, once escaped", `{"type":"ack","seq":1,"\u0073eq":2}`, protocol.CodeBadFrame},
	{"deep nesting", `{"type":"ack","seq":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, protocol.CodeBadFrame},
	{"deep nesting in place of type", `{"type":` + strings.Repeat(`{"type":`, 50_000), protocol.CodeBadFrame},
	{"deep nesting of the frame", strings.Repeat("[", 500_000), protocol.CodeBadFrame},
	{"not UTF-8 in a name", "{\"type\":\"ack\",\"s\xffq\":1}", protocol.CodeBadFrame},
	{"not UTF-8 in type", "{\"type\":\"a\xffk\",\"seq\":1}", protocol.CodeBadFrame},
	{"half a surrogate pair", `{"type":"ack\ud800","seq":1}`, protocol.CodeBadFrame},
	{"over the limit", `{"type":"ack","seq":1}` + strings.Repeat(" ", protocol.MaxFrame), protocol.CodeTooLarge},

	{"number as text", `{"type":"ack","seq":"1"}`, protocol.CodeBadFrame},
	{"number with a fraction", `{"type":"ack","seq":1.0}`, protocol.CodeBadFrame},
	{"number with an exponent", `{"type":"ack","seq":1e0}`, protocol.CodeBadFrame},
	{"number with a leading zero", `{"type":"ack","seq":01}`, protocol.CodeBadFrame},
	{"number with a plus", `{"type":"ack","seq":+1}`, protocol.CodeBadFrame},
	{"negative number", `{"type":"ack","seq":-1}`, protocol.CodeBadFrame},
	{"minus zero", `{"type":"ack","seq":-0}`, protocol.CodeBadFrame},
	{"hexadecimal number", `{"type":"ack","seq":0x1}`, protocol.CodeBadFrame},
	{"true for a number", `{"type":"ack","seq":true}`, protocol.CodeBadFrame},
	{"null for a number", `{"type":"ack","seq":null}`, protocol.CodeBadFrame},
	{"array for a number", `{"type":"ack","seq":[1]}`, protocol.CodeBadFrame},
	{"seq of zero", `{"type":"ack","seq":0}`, protocol.CodeBadFrame},
	{"seq of 2^53", `{"type":"ack","seq":9007199254740992}`, protocol.CodeBadFrame},
	{"seq of 2^64", `{"type":"ack","seq":18446744073709551616}`, protocol.CodeBadFrame},
	{"no seq", `{"type":"ack"}`, protocol.CodeBadFrame},
}

func refusedFromClient() []refusal {
	login, ask, message := fromClient[0], fromClient[1], fromClient[5]
	b64 := func(n int) string { return crypto.Base64(make([]byte, n)) }
	data, to, ids := crypto.Base64(sealed), bob.String(), id.String()
	two := &protocol.SendMessage{ID: id, Recipients: []crypto.Address{bob, bob}, EncryptedData: []protocol.Sealed{sealed, sealed}}
	var crowd protocol.SendMessage
	crowd.ID = id
	for i := range protocol.MaxRecipients + 1 {
		crowd.Recipients = append(crowd.Recipients, crypto.Address{User: "bob", Device: crypto.DeviceID{byte(i), 1}})
		crowd.EncryptedData = append(crowd.EncryptedData, sealed)
	}
	publish, fetch := fromClient[11], fromClient[12]
	many := &protocol.PublishPrekeys{ID: id}
	for range protocol.MaxPrekeys + 1 {
		many.OneTime = append(many.OneTime, oneTime[:1])
	}
	first, further := crypto.Base64(signed), crypto.Base64(oneTime)
	rs := []refusal{
		{"neither kind of prekey", string(protocol.Encode(&protocol.PublishPrekeys{ID: id})), protocol.CodeBadFrame},
		{"empty lists for prekeys", `{"type":"publish_prekeys","id":"` + ids + `","signed":"","oneTime":[]}`, protocol.CodeBadFrame},
		{"empty signed prekey beside others", swap(publish, first, ""), protocol.CodeBadFrame},
		{"empty list beside a signed prekey", swap(publish, `"`+further+`"`, ""), protocol.CodeBadFrame},
		{"signed prekey over its limit", swap(publish, first, b64(crypto.MaxPrekey+1)), protocol.CodeTooLarge},
		{"signed prekey in padded base64", swap(publish, first, first+"="), protocol.CodeBadFrame},
		{"one-time prekey over its limit", swap(publish, further, b64(crypto.MaxPrekey+1)), protocol.CodeTooLarge},
		{"empty one-time prekey", swap(publish, further, ""), protocol.CodeBadFrame},
		{"null among the one-time prekeys", swap(publish, `"`+further+`"`, "null"), protocol.CodeBadFrame},
		{"one-time prekeys are no array", swap(publish, `["`+further+`"]`, `"`+further+`"`), protocol.CodeBadFrame},
		{"too many one-time prekeys", string(protocol.Encode(many)), protocol.CodeTooLarge},
		{"prekeys of a device", swap(fetch, `"bob"`, `"`+to+`"`), protocol.CodeBadFrame},
		{"id of zeros", swap(ask, ids, strings.Repeat("0", 32)), protocol.CodeBadFrame},
		{"upper-case id", swap(ask, ids, strings.ToUpper(ids)), protocol.CodeBadFrame},
		{"short id", swap(ask, ids, ids[2:]), protocol.CodeBadFrame},
		{"long id", swap(ask, ids, ids+"00"), protocol.CodeBadFrame},
		{"id that is no hex", swap(ask, ids, "g"+ids[1:]), protocol.CodeBadFrame},
		{"address without a device", swap(ask, to, "bob"), protocol.CodeBadFrame},
		{"address with an upper-case device", swap(ask, to, strings.ToUpper(to)), protocol.CodeBadFrame},
		{"address with an upper-case name", swap(ask, to, "B"+to[1:]), protocol.CodeBadFrame},
		{"address with a short name", swap(ask, to, to[1:]), protocol.CodeBadFrame},
		{"address with a long name", swap(ask, to, strings.Repeat("b", 30)+to), protocol.CodeBadFrame},
		{"address with a third part", swap(ask, to, to+"/x"), protocol.CodeBadFrame},
		{"empty address", swap(ask, to, ""), protocol.CodeBadFrame},
		{"null for an address", swap(ask, `"`+to+`"`, "null"), protocol.CodeBadFrame},
		{"username with a device", swap(fromClient[3], `"bob"`, `"`+to+`"`), protocol.CodeBadFrame},
		{"presence with too many", string(protocol.Encode(&protocol.SharePresence{ID: id, With: slices.Repeat([]crypto.Username{"bob"}, protocol.MaxPresence+1)})), protocol.CodeTooLarge},
		{"presence with nobody's name", string(protocol.Encode(&protocol.SharePresence{ID: id, With: []crypto.Username{""}})), protocol.CodeBadFrame},
		{"presence with a list of null", swap(fromClient[14], "[]", "null"), protocol.CodeBadFrame},
		{"presence with one name", swap(fromClient[14], "[]", `"bob"`), protocol.CodeBadFrame},
		{"presence with no username", swap(fromClient[13], `"bob"`, `"b b"`), protocol.CodeBadFrame},
		{"username that is none", swap(fromClient[4], `"bob"`, `"b b"`), protocol.CodeBadFrame},
		{"empty data", swap(ask, data, ""), protocol.CodeBadFrame},
		{"null for data", swap(ask, `"`+data+`"`, "null"), protocol.CodeBadFrame},
		{"array for data", swap(ask, `"`+data+`"`, "[1,2]"), protocol.CodeBadFrame},
		{"padded base64", swap(ask, data, data+"="), protocol.CodeBadFrame},
		{"standard base64", swap(ask, data, "+/+/"), protocol.CodeBadFrame},
		{"base64 with a line break", swap(ask, data, data[:4]+`\n`+data[4:]), protocol.CodeBadFrame},
		{"base64 with stray bits", swap(ask, data, "AB"), protocol.CodeBadFrame},
		{"base64 cut", swap(ask, data, "AAAAA"), protocol.CodeBadFrame},
		{"note over its limit", swap(ask, data, b64(protocol.MaxSealedNote+1)), protocol.CodeTooLarge},
		{"acceptance over its limit", swap(fromClient[2], data, b64(protocol.MaxSealedNote+1)), protocol.CodeTooLarge},
		{"message over its limit", swap(message, data, b64(protocol.MaxSealed+1)), protocol.CodeTooLarge},
		{"no recipients", swap(message, `["`+to+`"]`, `[]`), protocol.CodeBadFrame},
		{"neither recipients nor data", string(protocol.Encode(&protocol.SendMessage{ID: id})), protocol.CodeBadFrame},
		{"null among the recipients", swap(message, `"`+to+`"`, `null`), protocol.CodeBadFrame},
		{"null among the data", swap(message, `"`+data+`"`, `null`), protocol.CodeBadFrame},
		{"recipients are no array", swap(message, `["`+to+`"]`, `"`+to+`"`), protocol.CodeBadFrame},
		{"more data than recipients", swap(message, `["`+data+`"]`, `["AA","AA"]`), protocol.CodeBadFrame},
		{"a recipient twice", string(protocol.Encode(two)), protocol.CodeBadFrame},
		{"too many recipients", string(protocol.Encode(&crowd)), protocol.CodeTooLarge},
		{"empty host", swap(login, "chat.example.org", ""), protocol.CodeBadFrame},
		{"long host", swap(login, "chat.example.org", strings.Repeat("h", protocol.MaxHost+1)), protocol.CodeTooLarge},
		{"host is not UTF-8", swap(login, "chat.example.org", "\xff"), protocol.CodeBadFrame},
		{"short nonce", swap(login, crypto.Base64(nonce[:]), b64(31)), protocol.CodeBadFrame},
		{"nonce of zeros", swap(login, crypto.Base64(nonce[:]), b64(32)), protocol.CodeBadFrame},
		{"short signature", swap(login, crypto.Base64(signature[:]), b64(63)), protocol.CodeBadFrame},
		{"signature of zeros", swap(login, crypto.Base64(signature[:]), b64(64)), protocol.CodeBadFrame},
	}
	return append(rs, withoutEach(fromClient)...)
}

func refusedFromRelay() []refusal {
	challenge, welcome, request, message := fromRelay[0], fromRelay[1], fromRelay[2], fromRelay[4]
	stored, failure := fromRelay[5], fromRelay[9]
	expired, slower := fromRelay[16], fromRelay[17]
	low, full, prekeys := fromRelay[11], fromRelay[12], fromRelay[13]
	certificate, _ := vectors.Bob().Certificate.MarshalText()
	data := crypto.Base64(sealed)
	key, _ := vectors.Relay().Public().MarshalText()
	rs := []refusal{
		{"version zero", swap(challenge, `"version":4`, `"version":0`), protocol.CodeBadFrame},
		{"negative version", swap(challenge, `"version":4`, `"version":-1`), protocol.CodeBadFrame},
		{"huge version", swap(challenge, `"version":4`, `"version":65537`), protocol.CodeBadFrame},
		{"relay key of another kind", swap(challenge, "relay-public", "device-public"), protocol.CodeBadFrame},
		{"relay key of small order", swap(challenge, string(key), "relay-public:AQ"+strings.Repeat("A", 41)), protocol.CodeBadFrame},
		{"time zero", swap(welcome, `1735787045678`, `0`), protocol.CodeBadFrame},
		{"negative time", swap(welcome, `1735787045678`, `-1`), protocol.CodeBadFrame},
		{"time of 2^53", swap(welcome, `1735787045678`, `9007199254740992`), protocol.CodeBadFrame},
		{"time as text", swap(welcome, `1735787045678`, `"2025-01-02"`), protocol.CodeBadFrame},
		{"certificate cut", swap(prekeys, string(certificate), string(certificate[:200])), protocol.CodeBadFrame},
		{"certificate altered", swap(prekeys, string(certificate), "AAAB"+string(certificate[4:])), protocol.CodeBadFrame},
		{"null for a certificate", swap(prekeys, `"`+string(certificate)+`"`, "null"), protocol.CodeBadFrame},
		{"signed prekey over its limit", swap(prekeys, crypto.Base64(signed), crypto.Base64(make([]byte, crypto.MaxPrekey+1))), protocol.CodeTooLarge},
		{"one-time prekey over its limit", swap(prekeys, crypto.Base64(oneTime), crypto.Base64(make([]byte, crypto.MaxPrekey+1))), protocol.CodeTooLarge},
		{"null for an optional prekey", swap(prekeys, `"`+crypto.Base64(oneTime)+`"`, "null"), protocol.CodeBadFrame},
		{"stock without a signed prekey", swap(low, `"signed":1`, `"signed":0`), protocol.CodeBadFrame},
		{"id of a prekey beyond 32 bits", swap(full, `4294967295`, `4294967296`), protocol.CodeBadFrame},
		{"a negative stock", swap(full, `"oneTime":200`, `"oneTime":-1`), protocol.CodeBadFrame},
		{"null for an optional stock", swap(full, `"oneTime":200`, `"oneTime":null`), protocol.CodeBadFrame},
		{"a stock over its limit", swap(full, `"oneTime":200`, `"oneTime":201`), protocol.CodeBadFrame},
		{"note over its limit", swap(request, data, crypto.Base64(make([]byte, protocol.MaxSealedNote+1))), protocol.CodeTooLarge},
		{"message over its limit", swap(message, data, crypto.Base64(make([]byte, protocol.MaxSealed+1))), protocol.CodeTooLarge},
		{"unknown state", swap(stored, `"stored"`, `"read"`), protocol.CodeBadFrame},
		{"expired without seq", swap(expired, `"seq":4,`, ``), protocol.CodeBadFrame},
		{"null for an optional delay", swap(slower, "1500", "null"), protocol.CodeBadFrame},
		{"a negative delay", swap(slower, "1500", "-1"), protocol.CodeBadFrame},
		{"a delay of 2^53", swap(slower, "1500", "9007199254740992"), protocol.CodeBadFrame},
		{"stored with seq", swap(stored, `{"type":"receipt",`, `{"type":"receipt","seq":3,`), protocol.CodeBadFrame},
		{"null for an optional seq", swap(stored, `{"type":"receipt",`, `{"type":"receipt","seq":null,`), protocol.CodeBadFrame},
		{"null for an optional recipient", swap(stored, `"state"`, `"recipient":null,"state"`), protocol.CodeBadFrame},
		{"presence of nobody", swap(fromRelay[18], `"bob"`, `""`), protocol.CodeBadFrame},
		{"an unknown presence", swap(fromRelay[18], "online", "away"), protocol.CodeBadFrame},
		{"null for an optional id", swap(fromRelay[8], `"message"`, `"id":null,"message"`), protocol.CodeBadFrame},
		{"error id of zeros", swap(failure, id.String(), strings.Repeat("0", 32)), protocol.CodeBadFrame},
		{"empty code", swap(failure, "not_a_contact", ""), protocol.CodeBadFrame},
		{"upper-case code", swap(failure, "not_a_contact", "Taken"), protocol.CodeBadFrame},
		{"code with a space", swap(failure, "not_a_contact", "not yours"), protocol.CodeBadFrame},
		{"code with a letter beyond ASCII", swap(failure, "not_a_contact", "geschlöss"), protocol.CodeBadFrame},
		{"comma in a frame without members", `{"type":"caught_up",}`, protocol.CodeBadFrame},
		{"member in a frame without members", `{"type":"caught_up","seq":1}`, protocol.CodeBadFrame},
		{"code that would not print", swap(failure, "not_a_contact", `\u001b[2J`), protocol.CodeBadFrame},
		{"long code", swap(failure, "not_a_contact", strings.Repeat("a", 65)), protocol.CodeTooLarge},
		{"empty message", swap(fromRelay[8], "no frame", ""), protocol.CodeBadFrame},
		{"long message", swap(fromRelay[8], "no frame", strings.Repeat("a", protocol.MaxErrorText+1)), protocol.CodeTooLarge},
		{"message is not UTF-8", swap(fromRelay[8], "no frame", "\xc3"), protocol.CodeBadFrame},
		{"message with half a surrogate pair", swap(fromRelay[8], "no frame", `\udc00`), protocol.CodeBadFrame},
	}
	return append(rs, withoutEach(fromRelay)...)
}

// member finds one member of a frame and the comma before it.
var member = regexp.MustCompile(`,"([a-zA-Z]+)":("[^"]*"|\[[^\]]*\]|[0-9]+)`)

// optional members may be missing, and then the frame is another good one.
var optional = map[string]bool{
	"receipt recipient": true, "receipt seq": true, "error retryAfter": true, "error id": true, "error recipient": true, "prekeys oneTime": true, "prekey_stock oneTime": true,
	"publish_prekeys signed": true, "publish_prekeys oneTime": true, // of which one is there
}

// withoutEach gives every frame without each of its required members.
func withoutEach(frames []protocol.Frame) (rs []refusal) {
	for _, f := range frames {
		text := string(protocol.Encode(f))
		for _, m := range member.FindAllStringSubmatchIndex(text, -1) {
			if name := text[m[2]:m[3]]; !optional[f.Type()+" "+name] {
				rs = append(rs, refusal{f.Type() + " without " + name, text[:m[0]] + text[m[1]:], protocol.CodeBadFrame})
			}
		}
	}
	return rs
}

func TestRefuse(t *testing.T) {
	check := func(rs []refusal, decode func([]byte) (protocol.Frame, error)) {
		for _, r := range rs {
			f, err := decode([]byte(r.text))
			if codeOf(err) != r.code || f != nil {
				t.Errorf("%s: got %v, %v, want %s", r.rule, f, err, r.code)
			}
			silent(t, err)
		}
	}
	check(strictness, protocol.DecodeFromClient)
	check(refusedFromClient(), protocol.DecodeFromClient)
	check(refusedFromRelay(), protocol.DecodeFromRelay)
}

func silent(t *testing.T, err error) {
	t.Helper()
	var r *protocol.Refusal
	if !errors.As(err, &r) || !saysOnly.MatchString(r.Text) || r.Code == "" {
		t.Errorf("a refusal says %v", err)
	}
}

// How a frame is spaced, ordered and escaped is the sender's business.
func TestAcceptedForms(t *testing.T) {
	for _, text := range []string{
		`{"type":"ack","seq":7}`,
		" \r\n\t{ \"type\" : \"ack\" , \"seq\" : 7 } \n",
		`{"\u0074ype":"\u0061ck","\u0073eq":7}`,
	} {
		f, err := protocol.DecodeFromClient([]byte(text))
		if ack, ok := f.(*protocol.Ack); err != nil || !ok || ack.Seq != 7 {
			t.Errorf("%s: %v, %v", text, f, err)
		}
	}
	reordered := `{"type":"block","target":"bob","id":"` + id.String() + `"}`
	if _, err := protocol.DecodeFromClient([]byte(reordered)); err != nil {
		t.Errorf("other order: %v", err)
	}
	later := `{"type":"error","code":"a_code_of_a_later_version","message":"…"}`
	if _, err := protocol.DecodeFromRelay([]byte(later)); err != nil {
		t.Errorf("unknown error code: %v", err)
	}
}

// Cuts and changes of every good frame end in a refusal or a frame,
// never in a panic, and never quote.
func TestEveryCut(t *testing.T) {
	for _, f := range fromRelay {
		text := protocol.Encode(f)
		for n := range text {
			if _, err := protocol.DecodeFromRelay(text[:n]); codeOf(err) != protocol.CodeBadFrame {
				t.Errorf("%s: %v", text[:n], err)
			} else {
				silent(t, err)
			}
			b := bytes.Clone(text)
			b[n] ^= 0x20
			if _, err := protocol.DecodeFromRelay(b); err != nil {
				silent(t, err)
			}
		}
	}
}
