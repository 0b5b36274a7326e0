package vision

import (
	"image"
	"testing"
)

func TestNormaliseSize(t *testing.T) {
	for _, tt := range []struct{ width, height, wantWidth, wantHeight int }{
		{640, 480, 640, 480},
		{1024, 1024, 1024, 1024},
		{1025, 1, 1024, 1},
		{2048, 1000, 1024, 500},
		{1000, 3000, 341, 1024}, // 341.33
		{2000, 1001, 1024, 513}, // 512.51
		{3000, 2, 1024, 1},      // 0.68
		{5000, 1, 1024, 1},      // 0.2, but a picture has pixels
		{1, 60000, 1, 1024},
	} {
		got := Normalise(image.NewGray(image.Rect(0, 0, tt.width, tt.height))).Rect
		if want := image.Rect(0, 0, tt.wantWidth, tt.wantHeight); got != want {
			t.Errorf("%d x %d becomes %v, want %v", tt.width, tt.height, got, want)
		}
	}
}

// A picture that is scaled down keeps what is seen: halves stay halves, and fine stripes
// become their mean.
func TestNormaliseScales(t *testing.T) {
	halves := Normalise(paint(4000, 40, func(x, _ int) int { return 50 + 100*(x/2000) }))
	for x, want := range map[int]uint8{0: 0, 500: 0, 520: 255, 1023: 255} {
		if got := halves.GrayAt(x, 5).Y; got != want {
			t.Errorf("level at %d = %d, want %d", x, got, want)
		}
	}
	stripes := shrink(paint(4096, 40, func(x, _ int) int { return 200 * (x % 2) }))
	for x := 10; x < 1010; x++ {
		if got := stripes.GrayAt(x, 5).Y; got < 98 || got > 102 {
			t.Fatalf("stripes of 0 and 200 have level %d at %d, want about 100", got, x)
		}
	}
}

// A gray JPEG comes as the visible part of whole blocks. What is outside has no say.
func TestNormaliseLooksInsideOnly(t *testing.T) {
	larger := paint(32, 8, func(x, _ int) int { return []int{40, 100, 200, 240}[x/8] })
	seen := larger.SubImage(image.Rect(8, 2, 24, 8))
	got := Normalise(seen)
	if size := image.Rect(0, 0, 16, 6); got.Rect != size || got.Stride != 16 {
		t.Fatalf("bounds %v, stride %d, want %v", got.Rect, got.Stride, size)
	}
	if dark, bright := got.GrayAt(7, 3).Y, got.GrayAt(8, 3).Y; dark != 0 || bright != 255 {
		t.Errorf("levels 100 and 200 became %d and %d, want 0 and 255", dark, bright)
	}
	if larger.GrayAt(8, 2).Y != 100 {
		t.Error("changed the picture it was given")
	}
}

func TestStretch(t *testing.T) {
	for _, tt := range []struct{ levels, want []uint8 }{
		{[]uint8{7}, []uint8{7}},
		{[]uint8{0, 0}, []uint8{0, 0}},
		{[]uint8{100, 115}, []uint8{100, 115}},             // a range of 15
		{[]uint8{100, 108, 116}, []uint8{0, 128, 255}},     // a range of 16; 127.5 goes up
		{[]uint8{0, 1, 254, 255}, []uint8{0, 1, 254, 255}}, // as wide as can be
		{[]uint8{50, 150, 151, 250}, []uint8{0, 128, 129, 255}},
	} {
		got := append([]uint8(nil), tt.levels...)
		stretch(got)
		if string(got) != string(tt.want) {
			t.Errorf("stretch(%v) = %v, want %v", tt.levels, got, tt.want)
		}
	}
}
