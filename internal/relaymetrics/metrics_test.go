package relaymetrics

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"secure-messaging/internal/relaystore"
	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// registryOf makes a relay in which two messages wait, and returns its metrics.
func registryOf(t *testing.T) *prometheus.Registry {
	t.Helper()
	store, err := relaystore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	r := relay.New(relay.Config{Key: crypto.NewRelayPrivate(), Directory: store, Prekeys: store, Mailboxes: store})
	alice, bob := storetest.NewAddress("alice"), storetest.NewAddress("bob")
	for range 3 {
		storetest.Put(t, store, bob, storetest.NewEntry(relay.KindMessage, alice, 100))
	}
	first := storetest.All(t, store, bob)[0]
	if err := store.Delete(context.Background(), bob, first.Seq); err != nil {
		t.Fatal(err)
	}
	return New(r, store)
}

func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(registryOf(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestValues(t *testing.T) {
	want := `
# HELP chat_relay_mailbox_bytes Sealed bytes that wait in all mailboxes.
# TYPE chat_relay_mailbox_bytes gauge
chat_relay_mailbox_bytes 200
# HELP chat_relay_mailbox_entries What waits in all mailboxes, receipts among it.
# TYPE chat_relay_mailbox_entries gauge
chat_relay_mailbox_entries 2
`
	registry := registryOf(t)
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "chat_relay_mailbox_bytes", "chat_relay_mailbox_entries"); err != nil {
		t.Error(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == prefix+"fsync_seconds" {
			h := f.GetMetric()[0].GetHistogram()
			if h.GetSampleCount() == 0 || len(h.GetBucket()) == 0 || h.GetSampleSum() > 60 {
				t.Errorf("the fsyncs are %v", h)
			}
			return
		}
	}
	t.Error("there are no fsyncs")
}

// TestNoNames: what is scraped names nobody.
func TestNoNames(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(registryOf(t)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body := w.Body.String()
	if !strings.Contains(body, "chat_relay_connections") || strings.Contains(body, "alice") || strings.Contains(body, "bob") {
		t.Errorf("scraped was %d %s", w.Code, body)
	}
}

// TestEveryCounterHasItsPlace: no two counters of the relay are one in the
// metrics, which Gather would refuse, and none has an empty label.
func TestEveryCounterHasItsPlace(t *testing.T) {
	store, err := relaystore.OpenMem()
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for name := range relay.New(relay.Config{Key: crypto.NewRelayPrivate(), Directory: store, Prekeys: store, Mailboxes: store}).Snapshot() {
		if _, label := place(string(name)); slices.Contains(label, "") {
			t.Errorf("%s has no label", name)
		}
	}
	for name, want := range map[string]*prometheus.Desc{
		"frames_in_ack": framesIn, "frames_out": framesOut, "refused_taken": refusals, "dropped_slow_answers": dropped,
		"stored_messages": messages, "handed_out_prekeys": prekeys, "fetched_files": files, "spills": events,
	} {
		if got, _ := place(name); got != want {
			t.Errorf("%s is in %v", name, got)
		}
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:chat_relay|process|go)_[a-z0-9_]+`)
	labelUse   = regexp.MustCompile(`by \(([a-z]+)\)|\{([a-z]+)=|\{\{([a-z]+)\}\}`)
)

// ofRelays leaves of what every program has that of relays.
const ofRelays = " and on (job, instance) chat_relay_build_info"

// TestDashboard: the dashboard asks for metrics and labels that there are, and
// shows all that are the relay's.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../docs/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil || len(board.Panels) == 0 {
		t.Fatalf("%d panels, %v", len(board.Panels), err)
	}
	families, err := registryOf(t).Gather()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{}
	for _, f := range families {
		labels[f.GetName()] = []string{"le"}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[f.GetName()] = append(labels[f.GetName()], l.GetName())
			}
		}
	}
	shown := map[string]bool{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			expr, relays := strings.CutSuffix(target.Expr, ofRelays)
			names := metricName.FindAllString(expr, -1)
			if len(names) != 1 {
				t.Errorf("%s asks for %q", p.Title, names)
				continue
			}
			name := strings.TrimSuffix(names[0], "_bucket")
			if relays == strings.HasPrefix(name, prefix) {
				t.Errorf("%s: %s is not that of relays alone, or is so without %q", p.Title, name, ofRelays)
			}
			known, ok := labels[name]
			if !ok {
				t.Errorf("%s asks for %s, which there is not", p.Title, name)
			}
			shown[name] = true
			for _, use := range labelUse.FindAllStringSubmatch(target.Expr+target.LegendFormat, -1) {
				if l := use[1] + use[2] + use[3]; !slices.Contains(known, l) {
					t.Errorf("%s asks for the label %s of %s, which has %q", p.Title, l, name, known)
				}
			}
		}
	}
	for name := range labels {
		if strings.HasPrefix(name, prefix) && !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
