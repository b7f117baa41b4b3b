package relay

// SetBudget limits what is handed on and not stored, of all devices. It is for
// a relay that nobody uses yet.
func (r *Relay) SetBudget(bytes int64) { r.maxAirborne = bytes }

// SetFollowed limits the names in all lists of presence.
func (r *Relay) SetFollowed(names int) { r.presence.max = names }

// Followed is how many there are, by the count and counted.
func (r *Relay) Followed() (followed, counted int) {
	r.presence.mu.Lock()
	defer r.presence.mu.Unlock()
	for _, s := range r.presence.sharers {
		counted += len(s.with)
	}
	return r.presence.followed, counted
}

// Airborne is how much that is now.
func (r *Relay) Airborne() int64 { return r.airborne.Load() }
