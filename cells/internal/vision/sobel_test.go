package vision

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// levels is a gray picture as a plain table, row by row.
type levels [][]float64

// slowSobel is the definition in the package comment, word for word, and shares no code
// with Sobel: a picture one pixel larger on every side, and two tables of weights laid
// over it.
func slowSobel(picture levels) levels {
	var wider levels
	for _, row := range picture {
		wide := append([]float64{row[0]}, row...)
		wider = append(wider, append(wide, row[len(row)-1]))
	}
	padded := append(levels{wider[0]}, wider...)
	padded = append(padded, wider[len(wider)-1])

	horizontal := [3][3]float64{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}
	vertical := [3][3]float64{{-1, -2, -1}, {0, 0, 0}, {1, 2, 1}}
	edges := make(levels, len(picture))
	for y := range picture {
		for x := range picture[y] {
			var gx, gy float64
			for j := range 3 {
				for i := range 3 {
					gx += horizontal[j][i] * padded[y+j][x+i]
					gy += vertical[j][i] * padded[y+j][x+i]
				}
			}
			length := math.Pow(gx*gx+gy*gy, 0.5)
			edges[y] = append(edges[y], math.Min(255, math.Floor(length/4+0.5)))
		}
	}
	return edges
}

func grayLevels(picture image.Image) levels {
	bounds := picture.Bounds()
	table := make(levels, bounds.Dy())
	for y := range table {
		for x := range bounds.Dx() {
			gray := color.GrayModel.Convert(picture.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.Gray)
			table[y] = append(table[y], float64(gray.Y))
		}
	}
	return table
}

// paint makes a gray picture of a formula.
func paint(width, height int, level func(x, y int) int) *image.Gray {
	picture := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.SetGray(x, y, color.Gray{Y: uint8(level(x, y))})
		}
	}
	return picture
}

func slope(x, y int) int { return 40 + x/2 + y/3 }

func step(x, _ int) int {
	if x < 20 {
		return 30
	}
	return 130
}

func noise(x, y int) int { return rand.New(rand.NewPCG(uint64(x), uint64(y))).IntN(256) }

func pngOf(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func shipped(t testing.TB) []byte {
	t.Helper()
	file, err := os.ReadFile("../../testdata/picture.png")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// call runs a cell in memory: its caller has sent all of the input and ended its writing side.
func call(serve func(ctx context.Context, conn io.ReadWriter) error, input []byte) ([]byte, error) {
	var answer bytes.Buffer
	err := serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{bytes.NewReader(input), &answer})
	return answer.Bytes(), err
}

func decodePNG(t testing.TB, file []byte) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%v in %.80q", err, file)
	}
	return picture
}

func TestEdgesAreTheDefinition(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, decodePNG(t, shipped(t)), nil); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"without an edge": pngOf(t, paint(90, 60, slope)),
		"a vertical step": pngOf(t, paint(40, 30, step)),
		"shipped":         shipped(t),
		"shipped, JPEG":   photo.Bytes(),
		"noise":           pngOf(t, paint(33, 21, noise)),
		"one pixel":       pngOf(t, paint(1, 1, noise)),
		"one row":         pngOf(t, paint(17, 1, noise)),
		"one column":      pngOf(t, paint(1, 17, noise)),
	} {
		t.Run(name, func(t *testing.T) {
			picture, _, err := image.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			want := slowSobel(grayLevels(picture))
			answer, err := call(EdgeDetector, file)
			if err != nil {
				t.Fatal(err)
			}
			edges := decodePNG(t, answer)
			if _, gray := edges.(*image.Gray); !gray {
				t.Errorf("answered a %T, want gray", edges)
			}
			compare(t, grayLevels(edges), want)
		})
	}
}

func compare(t *testing.T, got, want levels) {
	t.Helper()
	if len(got) != len(want) || len(got[0]) != len(want[0]) {
		t.Fatalf("size %d x %d, want %d x %d", len(got[0]), len(got), len(want[0]), len(want))
	}
	for y := range want {
		for x := range want[y] {
			if got[y][x] != want[y][x] {
				t.Fatalf("pixel (%d, %d) = %v, want %v", x, y, got[y][x], want[y][x])
			}
		}
	}
}

func TestStepHasItsHeight(t *testing.T) {
	edges := Sobel(paint(40, 30, step))
	for y := range 30 {
		for x := range 40 {
			want := uint8(0)
			if x == 19 || x == 20 {
				want = 100
			}
			if got := edges.GrayAt(x, y).Y; got != want {
				t.Fatalf("magnitude at (%d, %d) = %d, want %d", x, y, got, want)
			}
		}
	}
}

func TestGrayIsGrayModel(t *testing.T) {
	bounds := image.Rect(3, -2, 19, 9) // not at the origin
	random := rand.New(rand.NewPCG(1, 2))
	fill := func(pix []uint8) {
		for i := range pix {
			pix[i] = uint8(random.Uint32())
		}
	}
	gray, gray16 := image.NewGray(bounds), image.NewGray16(bounds)
	nrgba, nrgba64, cmyk := image.NewNRGBA(bounds), image.NewNRGBA64(bounds), image.NewCMYK(bounds)
	ycbcr := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio420)
	paletted := image.NewPaletted(bounds, color.Palette{color.White, color.Black,
		color.NRGBA{200, 100, 50, 128}})
	for _, pix := range [][]uint8{gray.Pix, gray16.Pix, nrgba.Pix, nrgba64.Pix, cmyk.Pix, ycbcr.Y,
		ycbcr.Cb, ycbcr.Cr} {
		fill(pix)
	}
	for i := range paletted.Pix {
		paletted.Pix[i] = uint8(random.IntN(3))
	}
	for _, picture := range []image.Image{gray, gray16, nrgba, nrgba64, cmyk, ycbcr, paletted} {
		compare(t, grayLevels(asGray(picture)), grayLevels(picture))
	}
}
