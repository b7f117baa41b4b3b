package agent

import "testing"

// BenchmarkCall is one call of a program that stays attached.
func BenchmarkCall(b *testing.B) {
	r := own(b, &fake{answer: someMessage}).dial(b)
	for b.Loop() {
		if _, err := r.Send(b.Context(), "bob", "hi"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCommand is what a short command adds: attach, one call, leave.
func BenchmarkCommand(b *testing.B) {
	o := own(b, &fake{answer: someMessage})
	for b.Loop() {
		r, err := Dial(b.Context(), o.path)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Send(b.Context(), "bob", "hi"); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
