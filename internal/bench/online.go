package main

import (
	"context"
	"fmt"
	"strconv"
)

// online measures the relay beside the floors, without TLS and with it.
func (b *bench) online(ctx context.Context) error {
	rows := [][]string{{"", "cpu/scan", "cpu/naive", "rate/scan", "cpu-s/million", "messages/s", "messages", "server cpu", "stored"}}
	for _, withTLS := range []bool{false, true} {
		var results []result
		kinds := []string{floorNaive, floorScan, relayName}
		for _, kind := range kinds {
			r, err := b.onlineOnce(ctx, kind, withTLS)
			if err != nil {
				return err
			}
			results = append(results, r)
		}
		naive, scan := results[0], results[1]
		for i, r := range results {
			name := kinds[i]
			if withTLS {
				name += " (TLS)"
			}
			rows = append(rows, []string{
				name, ratio(r.cost(), scan.cost()), ratio(r.cost(), naive.cost()), ratio(r.perSecond(), scan.perSecond()),
				fmt.Sprintf("%.2f", r.cost()), thousands(r.perSecond()), strconv.Itoa(r.messages),
				fmt.Sprintf("%.0f%%", 100*r.cpu.Seconds()/r.elapsed.Seconds()), strconv.FormatInt(r.stored, 10),
			})
		}
	}
	return b.table(fmt.Sprintf("online: %d pairs, %d bytes, %d messages on the way for each", b.pairs, b.size, b.window), rows)
}

func (b *bench) onlineOnce(ctx context.Context, kind string, withTLS bool) (r result, err error) {
	p, err := b.serve(ctx, kind, withTLS)
	if err != nil {
		return r, err
	}
	defer p.end(&err)
	pairs, err := b.pairUp(ctx, p, b.pairs)
	if err != nil {
		return r, err
	}
	defer hangUp(pairs)
	return b.traffic(ctx, p, pairs, b.messages)
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func thousands(f float64) string { return fmt.Sprintf("%.0f", f) }
