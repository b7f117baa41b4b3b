// Package figures is the table that a benchmark prints: times in milliseconds, and
// whether they are what they are to be.
package figures

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Row is a line of the table.
type Row struct {
	Name  string
	Cells [4]string // times, median, p99, longest; "" for what there is not
	Goal  string    // a verdict, or ""
}

// Timed is the row of a series, which is not empty. The goal may be empty.
func Timed(name string, took []time.Duration, goal string) Row {
	s := Sort(took)
	return Row{name, [4]string{fmt.Sprint(len(took)), Milli(s.At(0.5)), Milli(s.At(0.99)), Milli(s.At(1))}, goal}
}

// Print writes the table.
func Print(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\ttimes\tmedian\tp99\tlongest\t  goal\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t  %s\t\n", r.Name, r.Cells[0], r.Cells[1], r.Cells[2], r.Cells[3], r.Goal)
	}
	return t.Flush()
}

// Verdict says whether a figure is what it is to be.
func Verdict(ok bool, goal string) string {
	if ok {
		return goal + ": met"
	}
	return goal + ": MISSED"
}

// Below is the verdict about a time.
func Below(took, goal time.Duration, of string) string {
	return Verdict(took < goal, fmt.Sprintf("%s < %s ms", of, Milli(goal)))
}

// Sorted is a series in order.
type Sorted []time.Duration

// Sort puts a copy of a series in order.
func Sort(took []time.Duration) Sorted { return slices.Sorted(slices.Values(took)) }

// At is the time below which the part p of the series lies, p from 0 to 1.
func (s Sorted) At(p float64) time.Duration {
	return s[min(int(p*float64(len(s))), len(s)-1)]
}

// Milli is a time in milliseconds.
func Milli(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1000) }
