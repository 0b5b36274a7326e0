package scenario

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Summary is the Outcome in figures. Its JSON is flat and has a stable schema, described in
// docs/scale.md: keys may be added, but never renamed, removed or changed in type. All keys
// are always present, and none is null.
type Summary struct {
	Setting
	Tally
	Searches
	Use
	// Failures are the reasons why calls failed, the most frequent first.
	Failures []Failure `json:"failures"`
	// Problems are the events that failed.
	Problems []string `json:"problems"`
}

// Setting is what was run.
type Setting struct {
	Scenario string  `json:"scenario"`
	Nodes    int     `json:"nodes"`
	Seed     int64   `json:"seed"`
	Join     string  `json:"join"`
	Joining  float64 `json:"joining_s"`
	Length   float64 `json:"duration_s"`
}

// Tally counts the calls: Asked were made, Answered got the whole answer, Direct and
// Relayed say by which route.
type Tally struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Direct   int `json:"direct"`
	Relayed  int `json:"relayed"`
	// FirstByte is the time from a call to the first byte of its answer.
	FirstByte Percentiles `json:"first_byte_ms"`
}

// Searches counts the searches in the mesh. Found are those that found an address, Hops how
// far away the member was that knew it, and Messages how many members were asked.
type Searches struct {
	Lookups  int         `json:"lookups"`
	Found    int         `json:"found"`
	Hops     Percentiles `json:"hops"`
	Messages Percentiles `json:"messages"`
}

// Use is the bandwidth, memory and lateness of an Outcome.
type Use struct {
	Rate   float64 `json:"bytes_per_node_s"`
	Idle   float64 `json:"idle_bytes_per_node_s"`
	Memory float64 `json:"rss_mb"`
	Late   float64 `json:"late_ms"`
}

// Overloaded reports whether the machine was too busy for the times to mean anything.
func (u Use) Overloaded() bool { return u.Late > 100 }

// Percentiles are 0 if there are no values.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// Summary computes the figures.
func (o *Outcome) Summary() Summary {
	problems := []string{}
	for _, err := range o.Problems {
		problems = append(problems, err.Error())
	}
	return Summary{
		Setting: Setting{o.Scenario, o.Nodes, o.Seed, o.Join, round(o.Joining.Seconds()),
			o.Length.Seconds()},
		Tally:    newTally(o.Records),
		Searches: newSearches(o.Lookups),
		Use: Use{round(o.Rate), round(o.IdleRate), round(float64(o.Memory) / 1e6),
			round(ms(o.Late))},
		Failures: failures(o.Records),
		Problems: problems,
	}
}

func newTally(records []Record) (t Tally) {
	var first []float64
	for _, r := range records {
		t.Asked++
		if !r.Answered() {
			continue
		}
		t.Answered++
		if r.direct() {
			t.Direct++
		} else if r.relayed() {
			t.Relayed++
		}
		first = append(first, ms(r.FirstByte))
	}
	t.FirstByte = percentiles(first)
	return t
}

func newSearches(lookups []Lookup) (s Searches) {
	var hops, messages []float64
	for _, l := range lookups {
		s.Lookups++
		if l.Found {
			s.Found++
			hops = append(hops, float64(l.Hops))
		}
		messages = append(messages, float64(l.Asked))
	}
	s.Hops, s.Messages = percentiles(hops), percentiles(messages)
	return s
}

// JSON returns the Summary as indented JSON.
func (s Summary) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// percentiles sorts the values.
func percentiles(values []float64) Percentiles {
	slices.Sort(values)
	return Percentiles{percentile(values, 0.5), percentile(values, 0.9), percentile(values, 0.99)}
}

// percentile returns the smallest of sorted values that is not below a share p of them.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return round(sorted[int(math.Ceil(p*float64(len(sorted))))-1])
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round keeps three decimals.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }
