package main

import (
	"fmt"
	"slices"
	"time"
)

// The goals, in what a person notices: half of what a frame of film takes for
// the first screen and a key, and three of them while others talk.
const (
	firstGoal = 60 * time.Millisecond
	keyGoal   = 12 * time.Millisecond // at the median
	burstGoal = 50 * time.Millisecond // at worst
	idleGoal  = 1.0                   // per cent of one processor
)

// row is a line of the table.
type row struct {
	name  string
	cells [4]string // times, median, p99, longest
	goal  string
}

func (r row) String() string {
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t  %s\t", r.name, r.cells[0], r.cells[1], r.cells[2], r.cells[3], r.goal)
}

// timed is the row of a series. The goal may be empty.
func timed(name string, took []time.Duration, goal string) row {
	s := series(took)
	return row{name, [4]string{fmt.Sprint(len(took)), ms(s.at(0.5)), ms(s.at(0.99)), ms(s.at(1))}, goal}
}

// verdict says whether a figure is what it is to be.
func verdict(ok bool, goal string) string {
	if ok {
		return goal + ": met"
	}
	return goal + ": MISSED"
}

// below is the verdict about a time.
func below(took, goal time.Duration, of string) string {
	return verdict(took < goal, fmt.Sprintf("%s < %s ms", of, ms(goal)))
}

// sorted is a series in order.
type sorted []time.Duration

func series(took []time.Duration) sorted { return slices.Sorted(slices.Values(took)) }

// at is the time below which the part p of the series lies.
func (s sorted) at(p float64) time.Duration {
	return s[min(int(p*float64(len(s))), len(s)-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1000) }
