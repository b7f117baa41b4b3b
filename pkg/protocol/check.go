package protocol

import "secure-messaging/pkg/crypto"

// The members that must be there are recognised by their zero value, which
// no valid frame has.

func missing(name string) *Refusal {
	return refuse(CodeBadFrame, "the member %q is missing or empty", name)
}

func needID(id crypto.MessageID) *Refusal {
	if id == (crypto.MessageID{}) {
		return missing("id")
	}
	return nil
}

func needAddress(name string, a crypto.Address) *Refusal {
	if a.User == "" {
		return missing(name)
	}
	return nil
}

func needSealed(name string, s Sealed, max int) *Refusal {
	if len(s) == 0 {
		return missing(name)
	}
	if len(s) > max {
		return refuse(CodeTooLarge, "%q has at most %d bytes before base64", name, max)
	}
	return nil
}

func needSeq(seq uint64) *Refusal {
	if seq == 0 {
		return missing("seq")
	}
	if seq > MaxNumber {
		return refuse(CodeBadFrame, `"seq" is at most 2^53-1`)
	}
	return nil
}

func needTime(m UnixMilli) *Refusal {
	if m == 0 {
		return missing("time")
	}
	if m < 0 || m > MaxNumber {
		return refuse(CodeBadFrame, `"time" is from 1 to 2^53-1`)
	}
	return nil
}

func needVersion(v int) *Refusal {
	if v < 1 || v > maxVersion {
		return refuse(CodeBadFrame, `"version" is from 1 to %d`, maxVersion)
	}
	return nil
}

func needHost(host string) *Refusal {
	if host == "" {
		return missing("host")
	}
	if len(host) > MaxHost {
		return refuse(CodeTooLarge, `"host" has at most %d bytes`, MaxHost)
	}
	return nil
}

// needCode takes codes of later versions too, but no text that could do harm
// where it is printed.
func needCode(c Code) *Refusal {
	if c == "" {
		return missing("code")
	}
	if len(c) > maxCode {
		return refuse(CodeTooLarge, `"code" has at most %d bytes`, maxCode)
	}
	for _, b := range []byte(c) {
		if (b < 'a' || b > 'z') && b != '_' {
			return refuse(CodeBadFrame, `"code" is made of a-z and _`)
		}
	}
	return nil
}

func needMessage(text string) *Refusal {
	if text == "" {
		return missing("message")
	}
	if len(text) > MaxErrorText {
		return refuse(CodeTooLarge, `"message" has at most %d bytes`, MaxErrorText)
	}
	return nil
}

func needSignature(name string, s crypto.Signature) *Refusal {
	if s == (crypto.Signature{}) {
		return missing(name)
	}
	return nil
}

func needNonce(n crypto.Nonce) *Refusal {
	if n == (crypto.Nonce{}) {
		return missing("nonce")
	}
	return nil
}

func first(rs ...*Refusal) *Refusal {
	for _, r := range rs {
		if r != nil {
			return r
		}
	}
	return nil
}

func (f *Authenticate) check() *Refusal {
	return first(needAddress("address", f.Address), needHost(f.Host), needNonce(f.Nonce), needSignature("signature", f.Signature))
}

func (f *ConnectRequest) check() *Refusal {
	return first(needID(f.ID), needAddress("target", f.Target), needSealed("data", f.Data, MaxSealedNote))
}

func (f *AcceptConnection) check() *Refusal {
	return first(needID(f.ID), needAddress("target", f.Target), needSealed("data", f.Data, MaxSealedNote))
}

func (f *RejectConnection) check() *Refusal {
	if f.Target == "" {
		return missing("target")
	}
	return needID(f.ID)
}

func (f *Block) check() *Refusal {
	if f.Target == "" {
		return missing("target")
	}
	return needID(f.ID)
}

func (f *SendMessage) check() *Refusal {
	if r := needID(f.ID); r != nil {
		return r
	}
	if n := len(f.Recipients); n == 0 || n != len(f.EncryptedData) {
		return refuse(CodeBadFrame, `"recipients" and "encryptedData" have the same length, at least 1`)
	}
	if len(f.Recipients) > MaxRecipients {
		return refuse(CodeTooLarge, "a message has at most %d recipients", MaxRecipients)
	}
	seen := make(map[crypto.Address]bool, len(f.Recipients))
	for i, a := range f.Recipients {
		if seen[a] {
			return refuse(CodeBadFrame, "a recipient stands twice")
		}
		seen[a] = true
		if r := first(needAddress("recipients", a), needSealed("encryptedData", f.EncryptedData[i], MaxSealed)); r != nil {
			return r
		}
	}
	return nil
}

func (f *SharePresence) check() *Refusal {
	if f.With == nil {
		return missing("with")
	}
	if len(f.With) > MaxPresence {
		return refuse(CodeTooLarge, "presence is shared with at most %d people", MaxPresence)
	}
	return needID(f.ID)
}

func (f *Presence) check() *Refusal {
	if f.User == "" {
		return missing("user")
	}
	if f.State != Online && f.State != Offline {
		return refuse(CodeBadFrame, `"state" is online or offline`)
	}
	return nil
}

func needPrekey(name string, p RawPrekey) *Refusal {
	if len(p) == 0 {
		return missing(name)
	}
	if len(p) > crypto.MaxPrekey {
		return refuse(CodeTooLarge, "%q has at most %d bytes before base64", name, crypto.MaxPrekey)
	}
	return nil
}

func (f *PublishPrekeys) check() *Refusal {
	if len(f.OneTime) == 0 && (len(f.Signed) == 0 || f.OneTime != nil) { // "no prekeys" has no member
		return missing("oneTime")
	}
	if len(f.OneTime) > MaxPrekeys {
		return refuse(CodeTooLarge, "at most %d one-time prekeys go in one frame", MaxPrekeys)
	}
	if len(f.Signed) > 0 {
		if r := needPrekey("signed", f.Signed); r != nil {
			return r
		}
	}
	for _, p := range f.OneTime {
		if r := needPrekey("oneTime", p); r != nil {
			return r
		}
	}
	return needID(f.ID)
}

func (f *FetchPrekeys) check() *Refusal {
	if f.Target == "" {
		return missing("target")
	}
	return needID(f.ID)
}

func (f *PrekeyStock) check() *Refusal {
	if f.Signed == 0 {
		return missing("signed")
	}
	if f.OneTime < 0 || f.OneTime > MaxPrekeyStock {
		return refuse(CodeBadFrame, `"oneTime" is from 0 to %d`, MaxPrekeyStock)
	}
	return nil
}

func (f *Prekeys) check() *Refusal {
	if len(f.OneTime) > 0 {
		if r := needPrekey("oneTime", f.OneTime); r != nil {
			return r
		}
	}
	return first(needID(f.ID), needCertificate(f.Certificate), needPrekey("signed", f.Signed))
}

func (f *Ack) check() *Refusal { return needSeq(f.Seq) }

func (f *Challenge) check() *Refusal {
	return first(needVersion(f.Version), needRelay(f.Relay), needNonce(f.Nonce), needSignature("signature", f.Signature))
}

func needRelay(k crypto.RelayPublic) *Refusal {
	if k == (crypto.RelayPublic{}) {
		return missing("relay")
	}
	return nil
}

func (f *Authenticated) check() *Refusal {
	return first(needTime(f.Time), needSignature("signature", f.Signature))
}

func needCertificate(c crypto.Certificate) *Refusal {
	if c.IsZero() {
		return missing("certificate")
	}
	return nil
}

// checkMail checks what all frames from one device to another share.
func checkMail(seq uint64, from crypto.Address, id crypto.MessageID, at UnixMilli, data Sealed, max int) *Refusal {
	return first(needSeq(seq), needAddress("from", from), needID(id), needTime(at), needSealed("data", data, max))
}

func (*CaughtUp) check() *Refusal { return nil }

func (f *ConnectionRequest) check() *Refusal {
	return checkMail(f.Seq, f.From, f.ID, f.Time, f.Data, MaxSealedNote)
}

func (f *ConnectionAccepted) check() *Refusal {
	return checkMail(f.Seq, f.From, f.ID, f.Time, f.Data, MaxSealedNote)
}

func (f *EncryptedMessage) check() *Refusal {
	return checkMail(f.Seq, f.From, f.ID, f.Time, f.Data, MaxSealed)
}

func (f *Receipt) check() *Refusal {
	switch f.State {
	case ReceiptStored:
		if f.Seq != 0 {
			return refuse(CodeBadFrame, `"stored" does not come through the mailbox`)
		}
	case ReceiptDelivered, ReceiptExpired:
		if f.Seq == 0 && f.State == ReceiptDelivered {
			break
		}
		if r := needSeq(f.Seq); r != nil {
			return r
		}
	default:
		return refuse(CodeBadFrame, `"state" is stored, delivered or expired`)
	}
	return needID(f.ID)
}

func (f *Error) check() *Refusal {
	if f.ID != nil {
		if r := needID(*f.ID); r != nil {
			return r
		}
	}
	if f.RetryAfter > MaxNumber {
		return refuse(CodeBadFrame, `"retryAfter" is at most 2^53-1`)
	}
	return first(needCode(f.Code), needMessage(f.Message))
}

func (r *RelayInfo) check() *Refusal {
	return first(needVersion(r.Version), needRelay(r.Relay), needSealed("nonce", r.Nonce, MaxNonce))
}

func (r *RegisterRequest) check() *Refusal {
	return first(
		needUser(r.Username, r.PublicKey, r.Certificate), needPrekey("signedPrekey", r.SignedPrekey),
		needHost(r.Host), needSealed("nonce", r.Nonce, MaxNonce),
		needSignature("accountSignature", r.AccountSignature), needSignature("deviceSignature", r.DeviceSignature),
	)
}

func (u *UserInfo) check() *Refusal { return needUser(u.Username, u.PublicKey, u.Certificate) }

// needUser does not compare the three: what a mismatch means, and how grave it
// is, differs between a relay and a client.
func needUser(name crypto.Username, key crypto.BoxPublic, c crypto.Certificate) *Refusal {
	if name == "" {
		return missing("username")
	}
	if key == (crypto.BoxPublic{}) {
		return missing("publicKey")
	}
	return needCertificate(c)
}

func (e *HTTPError) check() *Refusal { return first(needCode(e.Code), needMessage(e.Message)) }
