package picture

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
	"github.com/cell-mesh/cell/testnet/scenario"
)

var update = flag.Bool("update", false, "write the golden file anew")

// sample is an outcome with some of everything, names that mean something in HTML among it.
func sample() *scenario.Outcome {
	o := &scenario.Outcome{
		Scenario: "a<b>&c", About: `what "it" shows`, Nodes: 4, Seed: 9, Join: "naturally",
		Joining: 1200 * time.Millisecond, Length: time.Minute, Rate: 12345, Memory: 2e9,
		Marks: []scenario.Mark{{At: 10 * time.Second, Label: "router of home renumbered"},
			{At: 30 * time.Second, Until: 40 * time.Second, Label: "partition: <x> | y"}},
		Lookups: []scenario.Lookup{{Found: true, Asked: 3, Hops: 1, Took: time.Second}},
		Where: map[string]scenario.Where{"server": {Group: "hub"},
			"home":  {Group: "home", Place: scenario.Place{Kind: natlab.EIM}},
			"phone": {Group: "phone", Place: scenario.Place{Kind: natlab.Symmetric}}},
		Problems: []error{errors.New("at 30s, <partition>: no")},
	}
	add := func(at time.Duration, from, to, route, err string, first time.Duration) {
		r := scenario.Record{Call: scenario.Call{At: at, From: from, To: to, Cell: "echo"},
			Route: route, Err: err}
		r.Took = first
		if err == "" {
			r.Reached, r.Granted = first/4, first/2
			r.FirstByte, r.Took = first, first+time.Millisecond
		}
		o.Records = append(o.Records, r)
	}
	for i := range 50 {
		at := time.Duration(i) * time.Second
		add(at, "home", "server", "direct quic", "", time.Duration(20+i)*time.Millisecond)
		if i >= 30 && i < 40 {
			add(at, "phone", "home", "", "reach 12D3KooWGnhUDFyFP1AJ6AS7HReDreSJG7Bq3ys9xiZSU7x5RCEt: <no> way", 10*time.Second)
		} else {
			add(at, "phone", "home", "relayed quic", "", time.Duration(100+10*i)*time.Millisecond)
		}
	}
	return o
}

func draw(t *testing.T, o *scenario.Outcome) string {
	t.Helper()
	var page bytes.Buffer
	if err := Write(&page, o, "cell testnet run a<b"); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// The page is what it was when somebody last looked at it in a browser.
func TestGolden(t *testing.T) {
	const path = "testdata/sample.html"
	got := draw(t, sample())
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Error("the page has changed: look at it in a browser, wide and narrow, light and " +
			"dark, after \"go test -update\"")
	}
}

// The page needs nothing from anywhere, runs nothing, and shows names as text.
func TestSelfContained(t *testing.T) {
	page := draw(t, sample())
	for _, bad := range []string{"http:", "https:", "//", "<script", "src=", "href=", "@import",
		"url(", "<b>&", "<x>", "<no>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, good := range []string{"a&lt;b&gt;&amp;c", "prefers-color-scheme: dark",
		"width=device-width", "&lt;no&gt; way", "90.0 %", "cell testnet run a&lt;b"} {
		if !strings.Contains(page, good) {
			t.Errorf("the page has no %s", good)
		}
	}
}

// What is drawn is inside of what it is drawn on, and each tag is closed.
func TestShapes(t *testing.T) {
	for name, o := range map[string]*scenario.Outcome{"sample": sample(),
		"nothing": {Length: time.Second}, "instant": {Length: time.Minute,
			Records: make([]scenario.Record, 3)}} {
		page := draw(t, o)
		for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1) {
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v in %s", name, err, svg)
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
					at := map[string]float64{}
					for _, a := range e.Attr {
						var x float64
						fmt.Sscan(a.Value, &x)
						at[a.Name.Local] = x
					}
					if at["x"] < 0 || at["y"] < -0.01 || at["x"]+at["width"] > 100.1 ||
						at["y"]+at["height"] > 100.1 {
						t.Errorf("%s: %v sticks out", name, e.Attr)
					}
				}
			}
		}
		for _, bad := range []string{"NaN", "Inf", "%!"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the page has %s", name, bad)
			}
		}
	}
}

// The figures of the pictures are those of the calls.
func TestFigures(t *testing.T) {
	o := sample()
	line := newTimeline(o)
	if line.Every != time.Second || line.Most != 2 || len(line.Slices) != 50 ||
		len(line.Marks) != 2 {
		t.Errorf("%+v", line)
	}
	if s := line.Slices[35]; s.Failed != 50 || s.Direct != 50 || s.Relayed != 0 ||
		s.FailedTop != 0 {
		t.Errorf("during the partition: %+v", s)
	}
	if m := line.Marks[1]; m.Left != 50 || m.Width < 16 || m.Width > 17 {
		t.Errorf("the partition: %+v", m)
	}
	p := newPairs(o)
	if len(p.Rows) != 2 || p.Rows[0].From != (spot{"home", "home NAT"}) ||
		p.Rows[0].To != (spot{"hub", "public"}) || p.Rows[0].Calls != 50 ||
		p.Rows[0].P50 != "44 ms" || p.Rows[0].Median < 31 || p.Rows[0].Median > 33 ||
		p.Rows[1].Calls != 40 {
		t.Errorf("%+v", p.Rows)
	}
	if p.Ticks[0].Label != "10 ms" || p.Ticks[len(p.Ticks)-1].Label != "1 s" {
		t.Errorf("the axis %+v", p.Ticks)
	}
	m := newMatrix(o)
	if c := m.Rows[1].Cells[0]; c.Calls != 50 || c.Relayed != 80 || c.Failed != 20 ||
		c.Label != "0 %" {
		t.Errorf("from phones to homes: %+v", c)
	}
	rows := slowest(o, 10)
	if len(rows) != 10 || rows[0].Took != "591 ms" || len(rows[0].Phases) != 4 ||
		rows[0].Phases[3].Name != "rest" || rows[0].When != "49 s" {
		t.Errorf("%+v", rows)
	}
}

// Where nothing was answered, or looked for, no figure says that it was.
func TestNothing(t *testing.T) {
	for _, tile := range tiles(scenario.Summary{})[1:5] {
		if tile.Value != "–" || strings.Contains(tile.Note, "ms") {
			t.Errorf("%+v", tile)
		}
	}
	o := sample()
	o.Records[0].Lookup = &scenario.Lookup{Asked: 3, Took: time.Second}
	if s := newSlow(o, o.Records[0], time.Second); s.Search != "not found in 1.00 s by asking 3" {
		t.Errorf("%+v", s)
	}
}
