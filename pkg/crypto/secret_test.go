package crypto_test

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
)

// holder is what a caller may print by mistake: a structure that has secrets
// in exported and unexported fields. fmt treats the two differently.
type holder[K any] struct {
	Exported   K
	unexported K
	Pointer    *K
	slice      []K
	table      map[string]K
	face       any
}

func TestSecretsDoNotPrint(t *testing.T) {
	account, device, relay, box := crypto.NewAccountPrivate(), crypto.NewDevicePrivate(), crypto.NewRelayPrivate(), crypto.NewBoxPrivate()
	mustNotPrint(t, account)
	mustNotPrint(t, device)
	mustNotPrint(t, relay)
	mustNotPrint(t, box)
}

func mustNotPrint[K encoding.TextMarshaler](t *testing.T, k K) {
	t.Helper()
	text := marshal(t, k)
	_, body, _ := strings.Cut(text, ":")
	seed, err := crypto.FromBase64(body)
	if err != nil {
		t.Fatal(err)
	}
	h := holder[K]{k, k, &k, []K{k}, map[string]K{"k": k}, k}
	values := map[string]any{"value": k, "pointer": &k, "structure": h, "pointer to structure": &h, "slice": []any{h}}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
			hasNoSecret(t, fmt.Sprintf("%T %s with %s", k, name, verb), fmt.Sprintf(verb, v), seed)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		if name == "value" || name == "pointer" {
			slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		}
		hasNoSecret(t, fmt.Sprintf("%T %s in a log", k, name), log.String(), seed)
	}
}

// hasNoSecret looks for four bytes of the secret in every form that fmt has.
func hasNoSecret(t *testing.T, what, s string, secret []byte) {
	t.Helper()
	part := secret[8:12]
	for _, form := range []string{
		crypto.Base64(secret), crypto.Base64(secret[:9]), string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)),
		strings.Trim(fmt.Sprint(part), "[]"), fmt.Sprintf("%#x", part[0]) + ", " + fmt.Sprintf("%#x", part[1]) + ", " + fmt.Sprintf("%#x", part[2]),
	} {
		if strings.Contains(s, form) {
			t.Errorf("%s shows the secret: %s", what, s)
			return
		}
	}
}

// Who knows the key of the nonces can make registrations that never age.
func TestRegistrationNoncesDoNotPrint(t *testing.T) {
	bytes := regexp.MustCompile(`([0-9]+ ){4}|(0x[0-9a-f]+, ){4}|[0-9a-fA-F]{24}`)
	r := crypto.NewRegistrationNonces()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{r, *r, struct{ r *crypto.RegistrationNonces }{r}} {
			if s := fmt.Sprintf(verb, v); bytes.MatchString(s) {
				t.Errorf("%s prints %s", verb, s)
			}
		}
	}
}
