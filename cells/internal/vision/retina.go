package vision

import (
	"context"
	"image"
	"io"
	"slices"

	"golang.org/x/image/draw"
)

const (
	// MaxSide is the longer side of a normalised picture, at most.
	MaxSide = 1024
	// MinRange is how many levels apart dark and bright must be for the contrast to be stretched.
	MinRange = 16
)

// Retina reads a picture of any format it knows, normalises it, asks edge_detector, and
// answers with the edges.
func Retina(ctx context.Context, conn io.ReadWriter, ask Ask) error {
	edges, err := see(ctx, conn, ask)
	return reply(conn, edges, err)
}

func see(ctx context.Context, r io.Reader, ask Ask) ([]byte, error) {
	data, err := readPicture(r)
	if err != nil {
		return nil, err
	}
	normal, err := inTurn(ctx, func() ([]byte, error) {
		picture, err := decode(ctx, data, anyFormat)
		if err != nil {
			return nil, err
		}
		return encode(Normalise(picture))
	})
	if err != nil {
		return nil, err
	}
	return askForPicture(ctx, ask, "edge_detector", normal)
}

// Normalise returns the picture in gray, no larger than MaxSide, from black to white, as
// the package comment defines it.
func Normalise(picture image.Image) *image.Gray {
	gray := shrink(asGray(picture))
	stretch(gray.Pix)
	return gray
}

func shrink(gray *image.Gray) *image.Gray {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	longer := max(width, height)
	if longer <= MaxSide {
		return gray
	}
	scale := func(side int) int { return max(1, (side*MaxSide+longer/2)/longer) }
	small := image.NewGray(image.Rect(0, 0, scale(width), scale(height)))
	draw.BiLinear.Scale(small, small.Rect, gray, gray.Rect, draw.Src, nil)
	return small
}

func stretch(levels []uint8) {
	lo, hi := int(slices.Min(levels)), int(slices.Max(levels))
	if hi-lo < MinRange {
		return
	}
	for i, v := range levels {
		levels[i] = uint8(((int(v)-lo)*255 + (hi-lo)/2) / (hi - lo))
	}
}
