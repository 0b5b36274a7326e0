package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"
)

// sample is an outcome with some of everything.
func sample() *Outcome {
	return &Outcome{Scenario: "x", Nodes: 3, Seed: 4, Join: "naturally", Joining: time.Second,
		Length: time.Minute, Rate: 1.5, IdleRate: 0.25, Memory: 3e6,
		Lookups:  []Lookup{{true, 3, 1, time.Second}, {false, 9, 0, time.Second}},
		Problems: []error{errors.New("a problem")},
		Records: []Record{
			{Call: Call{}, Route: "direct quic", FirstByte: 10 * time.Millisecond},
			{Call: Call{}, Route: "direct quic", FirstByte: 20 * time.Millisecond},
			{Call: Call{}, Route: "relayed quic", FirstByte: 1234567 * time.Nanosecond},
			{Err: "a1: dial echo@b: reach 12D3KooWGnhUDFyFP1AJ6AS7HReDreSJG7Bq3ys9xiZSU7x5RCEt: does not answer; it was last seen on 2026-01-02 03:04:05"},
			{Err: "a2: dial echo@c: reach 12D3KooWKqUiPrcUErdchSKuV6pgrvGMd6uSW32cd3qm1gV9vifn: does not answer: /ip6/::1/udp/2/quic-v1: no"},
		}}
}

func figures(t *testing.T, o *Outcome) []byte {
	t.Helper()
	text, err := o.Summary().JSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The figures of an outcome are what they were.
func TestFigures(t *testing.T) {
	const path = "testdata/summary.json"
	got := figures(t, sample())
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the figures have changed:\n%s", got)
	}
}

// Others read this JSON: every key is documented with its type, and has it, whatever came of a run.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\S+)` \\| (text|count|number|list) \\| \\S").FindAllSubmatch(text, -1) {
		documented[string(row[1])] = string(row[2])
	}
	// Without these, the schema is another one.
	for key, kind := range map[string]string{
		"nodes": "count", "seed": "count", "asked": "count", "answered": "count", "direct": "count", "relayed": "count",
		"first_byte_ms.p50": "number", "first_byte_ms.p90": "number", "first_byte_ms.p99": "number",
		"hops.p50": "number", "hops.p90": "number", "bytes_per_node_s": "number", "rss_mb": "number",
	} {
		if documented[key] != kind {
			t.Errorf("%s is documented as %q, and promised as a %s", key, documented[key], kind)
		}
	}
	quiet := simulate(t, "duration = \"1s\"\n[[group]]\nname = \"a\"\ncount = 1\n")
	deaf := sample()
	deaf.Records, deaf.Lookups = deaf.Records[3:], nil
	for name, o := range map[string]*Outcome{"sample": sample(), "nobody called": quiet,
		"nobody answered": deaf, "nothing": {}} {
		d := json.NewDecoder(bytes.NewReader(figures(t, o)))
		d.UseNumber()
		var whole map[string]any
		if err := d.Decode(&whole); err != nil {
			t.Fatal(err)
		}
		got, want := map[string]string{}, maps.Clone(documented)
		kinds(got, "", whole)
		if _, failed := got["failures[].reason"]; !failed &&
			o.Summary().Asked == o.Summary().Answered {
			delete(want, "failures[].reason")
			delete(want, "failures[].times")
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if kind := got[key]; kind != want[key] && !(kind == "count" && want[key] == "number") {
				t.Errorf("%s: %s is a %s, and documented as %q", name, key, kind, want[key])
			}
			delete(want, key)
		}
		for key := range want {
			t.Errorf("%s: there is no %s", name, key)
		}
	}
}

// kinds notes of what type each key is; a number without a fraction is a count.
func kinds(of map[string]string, key string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, value := range v {
			if key != "" {
				name = key + "." + name
			}
			kinds(of, name, value)
		}
	case []any:
		of[key] = "list"
		for _, value := range v {
			if _, table := value.(map[string]any); table {
				kinds(of, key+"[]", value)
			}
		}
	case string:
		of[key] = "text"
	case json.Number:
		of[key] = "number"
		if _, err := v.Int64(); err == nil {
			of[key] = "count"
		}
	default:
		of[key] = "of no type"
	}
}
