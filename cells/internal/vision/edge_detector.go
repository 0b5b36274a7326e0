package vision

import (
	"context"
	"image"
	"io"
	"math"
)

// EdgeDetector reads a PNG or JPEG and answers with a gray PNG of the same size, the
// magnitudes of its edges.
func EdgeDetector(ctx context.Context, conn io.ReadWriter) error {
	edges, err := detect(ctx, conn)
	return reply(conn, edges, err)
}

func detect(ctx context.Context, r io.Reader) ([]byte, error) {
	data, err := readPicture(r)
	if err != nil {
		return nil, err
	}
	return inTurn(ctx, func() ([]byte, error) {
		picture, err := decode(ctx, data, pngOrJPEG)
		if err != nil {
			return nil, err
		}
		return encode(Sobel(asGray(picture)))
	})
}

// Sobel returns the edge magnitude of every pixel, as the package comment defines it.
// The picture's upper left pixel must be at (0, 0).
func Sobel(gray *image.Gray) *image.Gray {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	edges := image.NewGray(gray.Rect)
	row := func(y int) []uint8 {
		y = min(max(y, 0), height-1) // the border goes on outside
		return gray.Pix[y*gray.Stride:][:width]
	}
	for y := range height {
		above, here, below := row(y-1), row(y), row(y+1)
		out := edges.Pix[y*edges.Stride:][:width]
		for x := range width {
			left, right := max(x-1, 0), min(x+1, width-1)
			gx := weigh(above[right], here[right], below[right]) - weigh(above[left], here[left],
				below[left])
			gy := weigh(below[left], below[x], below[right]) - weigh(above[left], above[x],
				above[right])
			out[x] = magnitude(gx, gy)
		}
	}
	return edges
}

func weigh(a, b, c uint8) int { return int(a) + 2*int(b) + int(c) }

func magnitude(gx, gy int) uint8 {
	length := math.Sqrt(float64(gx*gx + gy*gy))
	return uint8(min(255, math.Round(length/4)))
}
