package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"testing"
)

// The picture that is shipped is the one that is drawn here. Not every processor rounds
// the last bit of a product alike, which is worth one step of the levels.
func TestShippedPictureIsDrawnHere(t *testing.T) {
	file, err := os.Open("../../testdata/picture.png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shipped, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := image.Rect(0, 0, width, height); shipped.Bounds() != want {
		t.Fatalf("shipped picture is %v, want %v", shipped.Bounds(), want)
	}
	for y := 0; y < height; y += 7 { // some of the pixels will do
		for x := 0; x < width; x += 5 {
			a, b := color.RGBAModel.Convert(shipped.At(x, y)).(color.RGBA), at(float64(x),
				float64(y)).rgba()
			if far(a.R, b.R) || far(a.G, b.G) || far(a.B, b.B) {
				t.Fatalf("(%d, %d) is %v as shipped, %v as drawn: run go generate", x, y, a, b)
			}
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 3 }
