package relay

import (
	"context"
	"errors"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// rawPrekey is a prekey as the store keeps it, zero for none.
func rawPrekey(p crypto.Prekey) RawPrekey { return RawPrekey{ID: p.ID, Raw: p.Raw()} }

// publishPrekeys stores prekeys that the peer has signed.
func (c *conn) publishPrekeys(f *protocol.PublishPrekeys) {
	r := c.relay
	cert, err := r.user(r.ctx, c.me.User)
	if err != nil {
		r.storeError("look-up for prekeys", err)
		c.unavailable(f.ID, nil)
		return
	}
	signed, oneTime, ok := parsePrekeys(f, cert)
	if !ok {
		c.refuse(protocol.CodeBadPrekey, f.ID, nil)
		return
	}
	if err := r.prekeys.AddPrekeys(r.ctx, c.me, signed, oneTime); err != nil {
		r.storeError("publication of prekeys", err)
		c.unavailable(f.ID, nil)
		return
	}
	r.counters.add(CountPublished)
	c.stored(f.ID)
}

func parsePrekeys(f *protocol.PublishPrekeys, owner crypto.Certificate) (signed RawPrekey, oneTime []RawPrekey, ok bool) {
	if len(f.Signed) > 0 {
		p, err := crypto.ParsePrekey(f.Signed, owner)
		if err != nil || p.Kind != crypto.PrekeySigned {
			return RawPrekey{}, nil, false
		}
		signed = rawPrekey(p)
	}
	for _, raw := range f.OneTime {
		p, err := crypto.ParsePrekey(raw, owner)
		if err != nil || p.Kind != crypto.PrekeyOneTime {
			return RawPrekey{}, nil, false
		}
		oneTime = append(oneTime, rawPrekey(p))
	}
	return signed, oneTime, true
}

// fetchPrekeys hands out what a handshake with a person needs. Whoever is
// blocked by them gets it, too: anything else would tell.
func (c *conn) fetchPrekeys(f *protocol.FetchPrekeys) {
	r := c.relay
	code, err := r.knows(c.me, f.Target, nil)
	var cert crypto.Certificate
	if code == "" && err == nil {
		cert, err = r.user(r.ctx, f.Target)
	}
	var stock PrekeyStock
	if code == "" && err == nil {
		stock, err = r.handOut(r.ctx, cert.Address())
	}
	switch {
	case err != nil:
		r.storeError("look-up of prekeys", err)
		c.unavailable(f.ID, nil)
		return
	case code == "" && stock.Signed.ID == 0:
		code = protocol.CodeNoPrekeys
	}
	if code != "" {
		c.refuse(code, f.ID, nil)
		return
	}
	r.counters.add(CountHandedOut)
	if stock.OneTime.ID == 0 {
		r.counters.add(CountNoOneTime)
	}
	c.reply(&protocol.Prekeys{ID: f.ID, Certificate: cert, Signed: stock.Signed.Raw, OneTime: stock.OneTime.Raw})
	if stock.Left <= protocol.LowPrekeys {
		r.hub.runLow(cert.Address())
	}
}

// handOut returns the stock of a device after its oldest one-time prekey, if
// there is one, was taken out of it. Taking is a compare-and-set: whoever comes
// second, here or at another relay, takes the next; whoever always comes
// second does without.
func (r *Relay) handOut(ctx context.Context, owner crypto.Address) (PrekeyStock, error) {
	for try := 0; ; try++ {
		stock, err := r.prekeys.Prekeys(ctx, owner)
		if err != nil || stock.OneTime.ID == 0 {
			return stock, err
		}
		spent := try == maxCASRetries
		if try == 0 { // strangers together must not empty somebody's stock: above the rate a handshake does without
			_, ok := r.limiters.OneTimePrekeysOf.Allow(time.Now(), owner.User)
			spent = !ok
		}
		if spent {
			stock.OneTime = RawPrekey{}
			return stock, nil
		}
		err = r.prekeys.TakePrekey(ctx, owner, stock.OneTime.ID)
		if err == nil {
			stock.Left--
			return stock, nil
		}
		if !errors.Is(err, ErrConflict) {
			return PrekeyStock{}, err
		}
		r.counters.add(CountConflicts)
	}
}
