package relay

// SetBudget limits what is handed on and not stored, of all devices. It is for
// a relay that nobody uses yet.
func (r *Relay) SetBudget(bytes int64) { r.maxAirborne = bytes }

// Airborne is how much that is now.
func (r *Relay) Airborne() int64 { return r.airborne.Load() }
