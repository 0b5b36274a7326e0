package vision

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"io"
	"math"
)

// Threshold is the magnitude from which on a pixel is an edge: a straight step of a
// quarter of the way from black to white.
const Threshold = 64

// Report is what brain says about a picture. Shares are rounded to four decimals. The
// ninths are three columns and three rows: a pixel at (x, y) is in column floor(3x/width)
// and row floor(3y/height), counted from 0.
type Report struct {
	// Width and Height are of the picture that was looked at, which is the one retina normalised.
	Width  int `json:"width"`
	Height int `json:"height"`
	// EdgeShare is how many of all the pixels are edges, from 0 to 1.
	EdgeShare float64 `json:"edge_share"`
	// Where is the ninth in which the center of gravity of all the edges lies, a pixel's
	// own place being its middle, (x+0.5, y+0.5): "upper left", "top", "upper right",
	// "left", "center", "right", "lower left", "bottom" or "lower right". Without an edge
	// it is "nowhere".
	Where string `json:"where"`
	// EdgeGrid is how many of all the edges lie in each ninth, from 0 to 1, the upper row first.
	EdgeGrid [3][3]float64 `json:"edge_grid"`
}

var places = [3][3]string{
	{"upper left", "top", "upper right"},
	{"left", "center", "right"},
	{"lower left", "bottom", "lower right"},
}

// Brain reads a picture, asks retina for its edges, and answers one line of JSON: a
// Report, or {"error":...}.
func Brain(ctx context.Context, conn io.ReadWriter, ask Ask) error {
	report, err := think(ctx, conn, ask)
	var answer any = report
	if err != nil {
		answer = struct {
			Error string `json:"error"`
		}{oneLine(err.Error())}
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false) // for a person at a terminal
	if err := encoder.Encode(answer); err != nil {
		return err
	}
	_, err = conn.Write(line.Bytes())
	return err
}

func think(ctx context.Context, r io.Reader, ask Ask) (Report, error) {
	data, err := readPicture(r)
	if err != nil {
		return Report{}, err
	}
	file, err := askForPicture(ctx, ask, "retina", data)
	if err != nil {
		return Report{}, err
	}
	edges, err := decode(ctx, file, pngOnly)
	if err != nil {
		return Report{}, err
	}
	return Describe(asGray(edges)), nil
}

// Describe counts the edges in a picture of magnitudes, and says where they lie.
// The picture's upper left pixel must be at (0, 0).
func Describe(edges *image.Gray) Report {
	width, height := edges.Rect.Dx(), edges.Rect.Dy()
	report := Report{Width: width, Height: height, Where: "nowhere"}
	var count [3][3]int
	total, sumX, sumY := 0, 0, 0
	for y := range height {
		for x, level := range edges.Pix[y*edges.Stride:][:width] {
			if level >= Threshold {
				count[3*y/height][3*x/width]++
				total, sumX, sumY = total+1, sumX+x, sumY+y
			}
		}
	}
	if total == 0 {
		return report
	}
	report.EdgeShare = share(total, width*height)
	report.Where = places[third(sumY, total, height)][third(sumX, total, width)]
	for row := range count {
		for column, n := range count[row] {
			report.EdgeGrid[row][column] = share(n, total)
		}
	}
	return report
}

// third is the third of a side in which the mean of the pixels' middles lies,
// floor(3·(sum/n + 0.5) / side), reckoned in whole numbers, so that nothing is lost.
func third(sum, n, side int) int { return 3 * (2*sum + n) / (2 * n * side) }

func share(part, whole int) float64 {
	return math.Round(1e4*float64(part)/float64(whole)) / 1e4
}
