package scenario

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Summary is the Outcome in figures. As JSON, in which its parts lie side by side, it has
// a stable schema, which docs/scale.md tells: keys are added, and none is renamed,
// removed or given another type; all are always there, and none is null.
type Summary struct {
	Setting
	Tally
	Searches
	Use
	// Failures are the reasons why calls were not answered, the most frequent first.
	Failures []Failure `json:"failures"`
	// Problems are events that failed.
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

// Tally is what came of the calls: Asked are those that were made, and Answered those
// whose whole answer came, directly or through a relay.
type Tally struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Direct   int `json:"direct"`
	Relayed  int `json:"relayed"`
	// FirstByte is the time from a call to the first byte of its answer.
	FirstByte Percentiles `json:"first_byte_ms"`
}

// Searches are those of the mesh. Found are those that found an address, Hops how far the
// member was that knew it, and Messages how many were asked.
type Searches struct {
	Lookups  int         `json:"lookups"`
	Found    int         `json:"found"`
	Hops     Percentiles `json:"hops"`
	Messages Percentiles `json:"messages"`
}

// Use is what it took of lines and of this machine.
type Use struct {
	// Rate is what a node sent a second during the load, Idle before it; 0 if that was
	// not looked at.
	Rate float64 `json:"bytes_per_node_s"`
	Idle float64 `json:"idle_bytes_per_node_s"`
	// Memory is the most that the process held.
	Memory float64 `json:"rss_mb"`
	// Late is how late the latest of this machine's timers in a hundred were: times are
	// only as good as that.
	Late float64 `json:"late_ms"`
}

// Overloaded says whether the machine had too much to do for the times to mean something.
func (u Use) Overloaded() bool { return u.Late > 100 }

// Percentiles are those of some values; 0 if there are none.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// Summary counts.
func (o *Outcome) Summary() Summary {
	return Summary{
		Setting: Setting{o.Scenario, o.Nodes, o.Seed, o.Join, round(o.Joining.Seconds()),
			o.Length.Seconds()},
		Tally:    newTally(o.Records),
		Searches: newSearches(o.Lookups),
		Use: Use{round(o.Rate), round(o.IdleRate), round(float64(o.Memory) / 1e6),
			round(ms(o.Late))},
		Failures: failures(o.Records),
		Problems: words(o.Problems),
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

// JSON is the Summary as text.
func (s Summary) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// percentiles sorts the values.
func percentiles(values []float64) Percentiles {
	slices.Sort(values)
	return Percentiles{percentile(values, 0.5), percentile(values, 0.9), percentile(values, 0.99)}
}

// percentile is the smallest of sorted values that so many are not above.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return round(sorted[int(math.Ceil(p*float64(len(sorted))))-1])
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// round leaves three digits behind the point.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }
