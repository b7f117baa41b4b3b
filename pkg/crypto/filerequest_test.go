package crypto_test

import (
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
)

func TestFileRequestBindsEverything(t *testing.T) {
	device := crypto.NewDevicePrivate()
	good := crypto.FileRequest{
		Relay: crypto.NewRelayPrivate().Public(), Address: crypto.Address{User: "alice", Device: crypto.NewDeviceID()},
		Method: "PUT", File: crypto.NewFileID(), Time: time.UnixMilli(1_700_000_000_123), Length: 4112, Digest: [32]byte{1},
	}
	sig := good.Sign(device)
	if !good.Verify(device.Public(), sig) {
		t.Fatal("a proof does not hold")
	}
	if good.Verify(crypto.NewDevicePrivate().Public(), sig) {
		t.Error("it holds for another key")
	}
	for what, change := range map[string]func(*crypto.FileRequest){
		"relay":  func(r *crypto.FileRequest) { r.Relay = crypto.NewRelayPrivate().Public() },
		"user":   func(r *crypto.FileRequest) { r.Address.User = "alicf" },
		"device": func(r *crypto.FileRequest) { r.Address.Device = crypto.NewDeviceID() },
		"method": func(r *crypto.FileRequest) { r.Method = "GET" },
		"file":   func(r *crypto.FileRequest) { r.File[15]++ },
		"time":   func(r *crypto.FileRequest) { r.Time = r.Time.Add(time.Millisecond) },
		"length": func(r *crypto.FileRequest) { r.Length++ },
		"digest": func(r *crypto.FileRequest) { r.Digest[31]++ },
	} {
		changed := good
		change(&changed)
		if changed.Verify(device.Public(), sig) {
			t.Errorf("it holds for another %s", what)
		}
	}
}

func TestFileIDText(t *testing.T) {
	id := crypto.NewFileID()
	var back crypto.FileID
	if err := back.UnmarshalText([]byte(id.String())); err != nil || back != id {
		t.Errorf("%s comes back as %s, %v", id, back, err)
	}
	for _, text := range []string{"", "00", id.String() + "0", id.String()[:31] + "G", "../../../../../../../../etc/passw", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB"} {
		if back.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is an id", text)
		}
	}
}
