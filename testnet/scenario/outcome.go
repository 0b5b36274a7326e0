package scenario

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Outcome is what came of a run.
type Outcome struct {
	// Scenario is its name, for whoever has one to fill in.
	Scenario string
	About    string
	Nodes    int
	Seed     int64
	// Join says in words how the nodes joined, and Joining how long it took.
	Join    string
	Joining time.Duration
	// Length is how long the load went on.
	Length time.Duration
	// Records are the calls, in the order in which they ended.
	Records []Record
	Marks   []Mark
	// Lookups are the searches during the load, those of calls among them.
	Lookups []Lookup
	// Rate is how many bytes a node sent a second during the load, and IdleRate before it, if nobody called for a time.
	Rate, IdleRate float64
	// Memory is the most that this process has held, in bytes: of nodes that are processes, it says nothing.
	Memory int64
	// Late is how late the latest of this machine's timers in a hundred were during the load: times are only as good as that. In virtual time
	// it is 0.
	Late time.Duration
	// Problems are events that failed.
	Problems []error
	// Where says where each node lives, by its name.
	Where map[string]Where
}

// Where is the group of a node, and where it lives.
type Where struct {
	Group string
	Place Place
}

func (o *Outcome) locate(p *Plan) {
	o.Where = map[string]Where{}
	for _, n := range p.Nodes {
		o.Where[n.Name] = Where{n.Group, n.Place}
	}
}

func (r Record) direct() bool { return strings.HasPrefix(r.Route, "direct") }

func (r Record) relayed() bool { return strings.HasPrefix(r.Route, "relayed") }

// Summary is the Outcome in figures. As JSON it has a stable schema, which docs/scale.md tells: keys are added, and none is renamed,
// removed or given another type; all are always there, and none is null.
type Summary struct {
	Scenario string  `json:"scenario"`
	Nodes    int     `json:"nodes"`
	Seed     int64   `json:"seed"`
	Join     string  `json:"join"`
	Joining  float64 `json:"joining_s"`
	Length   float64 `json:"duration_s"`
	// Asked are the calls that were made, and Answered those whose whole answer came: directly, or through a relay.
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Direct   int `json:"direct"`
	Relayed  int `json:"relayed"`
	// FirstByte is the time from a call to the first byte of its answer.
	FirstByte Percentiles `json:"first_byte_ms"`
	// Lookups are searches in the mesh, Found those that found an address. Hops is how far the member was that knew, and Messages how many
	// were asked.
	Lookups  int         `json:"lookups"`
	Found    int         `json:"found"`
	Hops     Percentiles `json:"hops"`
	Messages Percentiles `json:"messages"`
	// Rate is what a node sent a second during the load, Idle before it; 0 if that was not looked at.
	Rate float64 `json:"bytes_per_node_s"`
	Idle float64 `json:"idle_bytes_per_node_s"`
	// Memory is the most that the process held.
	Memory float64 `json:"rss_mb"`
	// Late is how late the latest of this machine's timers in a hundred were: times are only as good as that.
	Late float64 `json:"late_ms"`
	// Failures are the reasons why calls were not answered, the most frequent first.
	Failures []Failure `json:"failures"`
	// Problems are events that failed.
	Problems []string `json:"problems"`
}

// Percentiles are those of some values; 0 if there are none.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// Failure is a reason, and how often it was one.
type Failure struct {
	Reason string `json:"reason"`
	Times  int    `json:"times"`
}

// Overloaded says whether the machine had too much to do for the times to mean something.
func (s Summary) Overloaded() bool { return s.Late > 100 }

// Summary counts.
func (o *Outcome) Summary() Summary {
	s := Summary{Scenario: o.Scenario, Nodes: o.Nodes, Seed: o.Seed, Join: o.Join, Joining: round(o.Joining.Seconds()), Length: o.Length.Seconds(),
		Asked: len(o.Records), Rate: round(o.Rate), Idle: round(o.IdleRate), Memory: round(float64(o.Memory) / 1e6), Late: round(ms(o.Late)), Failures: []Failure{}, Problems: []string{}}
	var first, hops, messages []float64
	reasons := map[string]int{}
	for _, r := range o.Records {
		if !r.Answered() {
			reasons[brief(r.Err)]++
			continue
		}
		s.Answered++
		if r.direct() {
			s.Direct++
		} else if r.relayed() {
			s.Relayed++
		}
		first = append(first, ms(r.FirstByte))
	}
	for _, l := range o.Lookups {
		s.Lookups++
		if l.Found {
			s.Found++
			hops = append(hops, float64(l.Hops))
		}
		messages = append(messages, float64(l.Asked))
	}
	s.FirstByte, s.Hops, s.Messages = percentiles(first), percentiles(hops), percentiles(messages)
	for reason, times := range reasons {
		s.Failures = append(s.Failures, Failure{reason, times})
	}
	slices.SortFunc(s.Failures, func(a, b Failure) int { return cmp.Or(b.Times-a.Times, strings.Compare(a.Reason, b.Reason)) })
	for _, problem := range o.Problems {
		s.Problems = append(s.Problems, problem.Error())
	}
	return s
}

// What makes two reasons of one kind differ.
var (
	addresses = regexp.MustCompile(`/(ip4|ip6|p2p)/[^\s,;:]+(:[0-9a-f:]*)?\S*`)
	ids       = regexp.MustCompile(`12D3Koo\w+`)
	callers   = regexp.MustCompile(`^\S+: dial \S+: `)
)

// brief is a reason without who it was and where.
func brief(reason string) string {
	reason = callers.ReplaceAllString(reason, "")
	if before, _, ok := strings.Cut(reason, ": /ip"); ok {
		reason = before // what follows says so of each address
	}
	reason = addresses.ReplaceAllString(reason, "ADDRESS")
	return ids.ReplaceAllString(reason, "PEER")
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
