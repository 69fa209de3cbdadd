package main

import (
	"fmt"
	"slices"
	"time"
)

// figure is one line of the table.
type figure struct {
	name    string
	what    string
	bound   string // the bound that it must keep, for people
	samples []float64
	plain   bool   // a value with a unit of its own, not a ratio of two
	ours    string // medians of both sides, for people
	theirs  string
}

// median, min and max are the 50th, 10th and 90th percentile.
func (f figure) median() float64 { return percentile(f.samples, 50) }
func (f figure) min() float64    { return percentile(f.samples, 10) }
func (f figure) max() float64    { return percentile(f.samples, 90) }

// percentile interpolates between the two nearest samples.
func percentile(samples []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	at := p / 100 * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// pairs holds both sides of a comparison, run by run.
type pairs struct{ ours, theirs []float64 }

func (p *pairs) add(ours, theirs float64) {
	p.ours = append(p.ours, ours)
	p.theirs = append(p.theirs, theirs)
}

// ratios are ours to theirs, pair by pair.
func (p *pairs) ratios() []float64 {
	ratios := make([]float64, len(p.ours))
	for i := range ratios {
		ratios[i] = p.ours[i] / p.theirs[i]
	}
	return ratios
}

// seconds makes a figure of times.
func (p *pairs) seconds(name, what, bound string) figure {
	show := func(samples []float64) string {
		return time.Duration(percentile(samples, 50) * float64(time.Second)).Round(time.Millisecond).String()
	}
	return figure{name: name, what: what, bound: bound, samples: p.ratios(), ours: show(p.ours), theirs: show(p.theirs)}
}

// rates makes a figure of bytes a second.
func (p *pairs) rates(name, what, bound string) figure {
	show := func(samples []float64) string { return fmt.Sprintf("%.1f MB/s", percentile(samples, 50)/1e6) }
	return figure{name: name, what: what, bound: bound, samples: p.ratios(), ours: show(p.ours), theirs: show(p.theirs)}
}
