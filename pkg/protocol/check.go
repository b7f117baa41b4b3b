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
	return nil
}

func needSignature(s crypto.Signature) *Refusal {
	if s == (crypto.Signature{}) {
		return missing("signature")
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
	if f.Host == "" || len(f.Host) > MaxHost {
		return refuse(CodeBadFrame, `"host" has 1 to %d bytes`, MaxHost)
	}
	return first(needAddress("address", f.Address), needNonce(f.Nonce), needSignature(f.Signature))
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

func (f *Ack) check() *Refusal { return needSeq(f.Seq) }

func (f *Challenge) check() *Refusal {
	if f.Version == 0 {
		return missing("version")
	}
	if f.Relay == (crypto.RelayPublic{}) {
		return missing("relay")
	}
	return first(needNonce(f.Nonce), needSignature(f.Signature))
}

func (f *Authenticated) check() *Refusal { return needSignature(f.Signature) }

func (f *ConnectionRequest) check() *Refusal {
	if f.Certificate.IsZero() {
		return missing("certificate")
	}
	return first(needSeq(f.Seq), needAddress("from", f.From), needID(f.ID), needSealed("data", f.Data, MaxSealedNote))
}

func (f *ConnectionAccepted) check() *Refusal {
	return first(needSeq(f.Seq), needAddress("from", f.From), needID(f.ID), needSealed("data", f.Data, MaxSealedNote))
}

func (f *EncryptedMessage) check() *Refusal {
	return first(needSeq(f.Seq), needAddress("from", f.From), needID(f.ID), needSealed("data", f.Data, MaxSealed))
}

func (f *Receipt) check() *Refusal {
	switch f.State {
	case ReceiptStored:
		if f.Seq != 0 {
			return refuse(CodeBadFrame, `"stored" does not come through the mailbox`)
		}
	case ReceiptDelivered:
		if r := needSeq(f.Seq); r != nil {
			return r
		}
	default:
		return refuse(CodeBadFrame, `"state" is stored or delivered`)
	}
	return needID(f.ID)
}

func (f *Error) check() *Refusal {
	if f.Code == "" {
		return missing("code")
	}
	if len(f.Message) > MaxErrorText {
		return refuse(CodeTooLarge, "an error has at most %d bytes of text", MaxErrorText)
	}
	return nil
}
