package vision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// inMemory is the way from cell to cell without a socket.
func inMemory(_ context.Context, address string, picture []byte) ([]byte, error) {
	switch address {
	case "edge_detector":
		return call(EdgeDetector, picture)
	case "retina":
		return call(retina(inMemory), picture)
	}
	return nil, fmt.Errorf("nobody is called %q", address)
}

func retina(ask Ask) func(context.Context, io.ReadWriter) error {
	return func(ctx context.Context, conn io.ReadWriter) error { return Retina(ctx, conn, ask) }
}

func brain(ask Ask) func(context.Context, io.ReadWriter) error {
	return func(ctx context.Context, conn io.ReadWriter) error { return Brain(ctx, conn, ask) }
}

// slowStretch and slowReport are the definitions once more, for pictures that need no scaling.
func slowStretch(picture levels) levels {
	lo, hi := 255.0, 0.0
	for _, row := range picture {
		for _, v := range row {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	if hi-lo < 16 {
		return picture
	}
	for _, row := range picture {
		for x, v := range row {
			row[x] = math.Floor(255*(v-lo)/(hi-lo) + 0.5)
		}
	}
	return picture
}

func slowReport(edges levels) map[string]any {
	width, height := float64(len(edges[0])), float64(len(edges))
	var n, gravityX, gravityY float64
	var ninths [9]float64
	for y := range edges {
		for x := range edges[y] {
			if edges[y][x] < 64 {
				continue
			}
			column, row := math.Floor(3*float64(x)/width), math.Floor(3*float64(y)/height)
			ninths[int(3*row+column)]++
			n, gravityX, gravityY = n+1, gravityX+float64(x)+0.5, gravityY+float64(y)+0.5
		}
	}
	where := "nowhere"
	if n > 0 {
		words := strings.Split("upper left,top,upper right,left,center,right,lower left,bottom,lower right", ",")
		column, row := math.Floor(3*gravityX/n/width), math.Floor(3*gravityY/n/height)
		where = words[int(3*row+column)]
	}
	rounded := func(part, whole float64) float64 { return math.Floor(1e4*part/whole+0.5) / 1e4 }
	grid := make([]any, 3)
	for row := range 3 {
		shares := make([]any, 3)
		for column := range 3 {
			shares[column] = rounded(ninths[3*row+column], max(n, 1))
		}
		grid[row] = shares
	}
	return map[string]any{
		"width": width, "height": height, "edge_share": rounded(n,
			width*height), "where": where, "edge_grid": grid,
	}
}

func TestBrainCountsTheDefinition(t *testing.T) {
	for name, file := range map[string][]byte{
		"without an edge": pngOf(t, paint(90, 60, slope)),
		"flat":            pngOf(t, paint(50, 50, func(x, y int) int { return 77 })),
		"nearly flat": pngOf(t, paint(50, 50, func(x, y int) int {
			return 77 + noise(x, y)%15
		})),
		"faint step": pngOf(t, paint(40, 30, func(x, y int) int {
			return 100 + step(x, y)/5
		})),
		"a vertical step": pngOf(t, paint(40, 30, step)),
		"shipped":         shipped(t),
		"two pixels":      pngOf(t, paint(2, 1, func(x, y int) int { return 255 * x })),
	} {
		t.Run(name, func(t *testing.T) {
			want := slowReport(slowSobel(slowStretch(grayLevels(decodePNG(t, file)))))
			line, err := call(brain(inMemory), file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(line), "\n") != 1 || line[len(line)-1] != '\n' {
				t.Errorf("answer is not one line: %q", line)
			}
			var got map[string]any
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// What people see when they try the examples.
func TestAnswersInWords(t *testing.T) {
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"flat": {pngOf(t, paint(50, 50, func(x, y int) int { return 200 })),
			`{"width":50,"height":50,"edge_share":0,"where":"nowhere","edge_grid":[[0,0,0],[0,0,0],[0,0,0]]}`},
		"left": {pngOf(t, paint(90, 60, func(x, y int) int { return 255 * min(x/10, 1) })),
			`{"width":90,"height":60,"edge_share":0.0222,"where":"left","edge_grid":[[0.3333,0,0],[0.3333,0,0],[0.3333,0,0]]}`},
		"lower right": {pngOf(t, paint(90, 60, func(x, y int) int {
			return 255 * (x / 80) * (y / 50)
		})),
			`{"width":90,"height":60,"edge_share":0.0074,"where":"lower right","edge_grid":[[0,0,0],[0,0,0],[0,0,1]]}`},
		"not a picture": {[]byte("hello\n"),
			`{"error":"retina: not a picture: it does not begin like PNG, JPEG, GIF, WebP, BMP, TIFF"}`},
		"nothing": {nil, `{"error":"retina: not a picture: nothing was sent"}`},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := call(brain(inMemory), tt.file)
			if err != nil || string(line) != tt.want+"\n" {
				t.Errorf("got  %s, %v\nwant %s", line, err, tt.want)
			}
		})
	}
}

func TestErrorsTravelInWords(t *testing.T) {
	answers := func(answer string, err error) Ask {
		return func(context.Context, string, []byte) ([]byte, error) { return []byte(answer), err }
	}
	for name, tt := range map[string]struct {
		ask  Ask
		want string
	}{
		"not reached": {answers("", errors.New("dial: no stem is running")),
			"dial: no stem is running"},
		"not in line": {answers("", errors.New("no:\n\tnot today")), "no:  not today"},
		"error":       {answers("error: out of paper\n", nil), "NEXT: out of paper"},
		"silence":     {answers("", nil), "NEXT: ended without an answer"},
		"nonsense":    {answers("hello", nil), "NEXT: answered neither a picture nor an error"},
		"two lines":   {answers("error: one\ntwo\x00\xff\n", nil), "NEXT: one two ?"},
		"a flood": {answers("error: "+strings.Repeat("a", 1<<20), nil),
			"NEXT: " + strings.Repeat("a", maxReason-len("NEXT: "))},
	} {
		t.Run(name, func(t *testing.T) {
			file := pngOf(t, paint(3, 3, noise))
			answer, err := call(retina(tt.ask), file)
			want := "error: " + strings.ReplaceAll(tt.want, "NEXT", "edge_detector") + "\n"
			if got := string(answer); err != nil || !sameStart(got, want) {
				t.Errorf("retina answered %.200q, %v, want %.200q", got, err, want)
			}
			answer, err = call(brain(tt.ask), file)
			var said struct{ Error string }
			if err := json.Unmarshal(answer, &said); err != nil {
				t.Errorf("brain answered %.200q: %v", answer, err)
			}
			want = strings.ReplaceAll(tt.want, "NEXT", "retina")
			if err != nil || !sameStart(said.Error, want) {
				t.Errorf("brain answered %.200q, %v, want %.200q", said.Error, err, want)
			}
		})
	}
}

// sameStart compares the first hundred bytes, and that nothing is much longer than what is allowed.
func sameStart(got, want string) bool {
	return got[:min(len(got), 100)] == want[:min(len(want), 100)] &&
		len(got) <= maxReason+len("error: \n")
}

func TestBrainDistrustsItsRetina(t *testing.T) {
	broken := func(context.Context, string, []byte) ([]byte, error) {
		return shipped(t)[:5000], nil
	}
	line, err := call(brain(broken), shipped(t))
	if want := `{"error":"not a picture: the PNG breaks off or is damaged: `; err != nil ||
		!strings.HasPrefix(string(line), want) {
		t.Errorf("got %s, %v, want %s...", line, err, want)
	}
}

func TestCallerWhoLeft(t *testing.T) {
	left := errors.New("broken pipe")
	for name, serve := range map[string]func(context.Context, io.ReadWriter) error{
		"edge_detector": EdgeDetector, "retina": retina(inMemory), "brain": brain(inMemory),
	} {
		conn := struct {
			io.Reader
			io.Writer
		}{strings.NewReader("hello"), deafWriter{left}}
		if err := serve(context.Background(), conn); !errors.Is(err, left) {
			t.Errorf("%s returned %v, want %v", name, err, left)
		}
	}
}

type deafWriter struct{ err error }

func (w deafWriter) Write([]byte) (int, error) { return 0, w.err }
