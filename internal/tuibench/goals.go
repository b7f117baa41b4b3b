package main

import "time"

// The goals, in what a person notices: half of what a frame of film takes for
// the first screen and a key, and three of them while others talk.
const (
	firstGoal = 60 * time.Millisecond
	keyGoal   = 12 * time.Millisecond // at the median
	burstGoal = 50 * time.Millisecond // at worst
	idleGoal  = 1.0                   // per cent of one processor
)
