// drawing draws the picture that the examples and tests look at: three nerve cells, the
// way a microscope sees them, each reaching for the next as brain, retina and
// edge_detector do.
//
// It draws the same picture every time, from nothing but the numbers in this file.
package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
)

//go:generate go run . ../../testdata/picture.png

const width, height = 640, 480

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: drawing FILE.png")
		os.Exit(2)
	}
	var file bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err := encoder.Encode(&file, draw())
	if err == nil {
		err = os.WriteFile(os.Args[1], file.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "drawing: error:", err)
		os.Exit(1)
	}
}

func draw() *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetRGBA(x, y, at(float64(x), float64(y)).rgba())
		}
	}
	return picture
}

// at is the light at a point: the background, and over it the cells from the farthest to
// the nearest.
func at(x, y float64) light {
	l := background(x, y)
	for i := range cells {
		l = cells[i].over(l, x, y)
	}
	return l
}

// background is deep water: darker towards the corners, with soft discs that are out of focus.
func background(x, y float64) light {
	corner := math.Hypot(x/width-0.45, y/height-0.45)
	l := light{0.10, 0.16, 0.30}.mix(light{0.02, 0.02, 0.07}, smooth(0.05, 0.75, corner))
	for _, d := range []struct{ x, y, r float64 }{
		{90, 400, 70}, {250, 60, 48}, {575, 70, 62}, {330, 440, 90}, {30, 160, 40}, {600, 420, 36},
	} {
		inside := 1 - smooth(d.r*0.75, d.r, math.Hypot(x-d.x, y-d.y))
		l = l.add(light{0.03, 0.06, 0.08}, inside)
	}
	return l
}

// light is red, green and blue, each from 0 to 1.
type light [3]float64

func (l light) mix(other light, share float64) light {
	for i := range l {
		l[i] += (other[i] - l[i]) * share
	}
	return l
}

func (l light) add(other light, share float64) light {
	for i := range l {
		l[i] += other[i] * share
	}
	return l
}

// rgba keeps to every third of the 256 levels, which nobody sees, and the file is a third smaller.
func (l light) rgba() color.RGBA {
	level := func(v float64) uint8 { return 3 * uint8(math.Round(85*min(max(v, 0), 1))) }
	return color.RGBA{level(l[0]), level(l[1]), level(l[2]), 255}
}

// smooth goes from 0 at a to 1 at b, gently at both ends.
func smooth(a, b, v float64) float64 {
	t := min(max((v-a)/(b-a), 0), 1)
	return t * t * (3 - 2*t)
}
