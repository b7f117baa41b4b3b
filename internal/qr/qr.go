// Package qr draws QR codes for terminals.
package qr

import (
	"strings"

	"rsc.io/qr"
)

// quiet is the blank margin, in modules. The standard asks for four around a
// code on paper; two are enough where the ground goes on to be one colour, and
// let a safety code fit a terminal of 80 by 24.
const quiet = 2

// Lines draws a text, two modules in the height of a line. All lines are as
// wide as the first. Black is what has ink, so paint them dark on light: not
// every reader takes a code the other way round. It fails for a text that no
// code can hold.
func Lines(text string) ([]string, error) {
	code, err := qr.Encode(text, qr.L) // a screen has no stains to correct
	if err != nil {
		return nil, err
	}
	var lines []string
	for y := -quiet; y < code.Size+quiet; y += 2 {
		var line strings.Builder
		for x := -quiet; x < code.Size+quiet; x++ {
			switch upper, lower := code.Black(x, y), code.Black(x, y+1); {
			case upper && lower:
				line.WriteRune('█')
			case upper:
				line.WriteRune('▀')
			case lower:
				line.WriteRune('▄')
			default:
				line.WriteByte(' ')
			}
		}
		lines = append(lines, line.String())
	}
	return lines, nil
}
