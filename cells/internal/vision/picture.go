package vision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// What a picture may cost. A file of a few bytes can declare a picture of many gigabytes, so the
// limits on pixels are checked before anything is decoded.
const (
	MaxBytes  = 16 << 20   // of the file
	MaxPixels = 32_000_000 // width times height
	maxLength = 1 << 16    // of either side, in pixels
)

// A format is known by how its files begin; a '?' stands for any byte.
type format struct {
	name   string
	begins string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var (
	// anyFormat is what retina reads.
	anyFormat = []format{
		{"PNG", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
		{"JPEG", "\xff\xd8\xff", jpeg.DecodeConfig, jpeg.Decode},
		{"GIF", "GIF8?a", gif.DecodeConfig, gif.Decode}, // its first frame
		{"WebP", "RIFF????WEBP", webp.DecodeConfig, webp.Decode},
		{"BMP", "BM", bmp.DecodeConfig, bmp.Decode},
		{"TIFF", "II*\x00", tiff.DecodeConfig, tiff.Decode},
		{"TIFF", "MM\x00*", tiff.DecodeConfig, tiff.Decode},
	}
	pngOrJPEG = anyFormat[:2]
	pngOnly   = anyFormat[:1]
)

// readPicture reads until the caller ends its writing side, and no more than a picture may have.
func readPicture(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errors.New("the picture did not end in time: end the writing side behind it")
	case err != nil:
		return nil, fmt.Errorf("read the picture: %w", err)
	case len(data) > MaxBytes:
		return nil, fmt.Errorf("picture too large: more than %d MiB", MaxBytes>>20)
	}
	return data, nil
}

// decode makes a picture of bytes nobody vouches for. It has at least one pixel and at
// most MaxPixels. When ctx ends, so does the decoding: a JPEG, say, can ask for hours of
// work without many pixels.
func decode(ctx context.Context, data []byte, formats []format) (image.Image, error) {
	if len(data) == 0 {
		return nil, errors.New("not a picture: nothing was sent")
	}
	f, err := recognise(data, formats)
	if err != nil {
		return nil, err
	}
	size, err := f.config(bytes.NewReader(data))
	if err != nil {
		return nil, damaged(f, err)
	}
	if err := checkSize(size.Width, size.Height); err != nil {
		return nil, err
	}
	picture, err := f.decode(readerUntil{ctx, bytes.NewReader(data)})
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("decode the picture: %w", ctx.Err())
	case err != nil:
		return nil, damaged(f, err)
	}
	// The frame of a GIF may be smaller than its header said, down to nothing, so its
	// size is looked at again.
	return picture, checkSize(picture.Bounds().Dx(), picture.Bounds().Dy())
}

func recognise(data []byte, formats []format) (format, error) {
	var names []string
	for _, f := range formats {
		if begins(data, f.begins) {
			return f, nil
		}
		if len(names) == 0 || names[len(names)-1] != f.name {
			names = append(names, f.name)
		}
	}
	return format{}, fmt.Errorf("not a picture: it does not begin like %s",
		strings.Join(names, ", "))
}

func begins(data []byte, pattern string) bool {
	if len(data) < len(pattern) {
		return false
	}
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != data[i] {
			return false
		}
	}
	return true
}

func checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return errors.New("not a picture: it has no pixels")
	case width > maxLength || height > maxLength || width*height > MaxPixels:
		return fmt.Errorf("picture too large: %d x %d pixels, the limit is %d million", width,
			height, MaxPixels/1_000_000)
	}
	return nil
}

func damaged(f format, err error) error {
	return fmt.Errorf("not a picture: the %s breaks off or is damaged: %w", f.name, err)
}

// readerUntil fails once ctx has ended: a decoder can't be interrupted, but it has to read.
type readerUntil struct {
	ctx context.Context
	r   io.Reader
}

func (u readerUntil) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// asGray copies to 8 bit gray, with its upper left pixel at (0, 0) and nothing between
// its rows. (What a decoder returns may be a part of something larger: a JPEG is made of
// whole blocks.)
func asGray(picture image.Image) *image.Gray {
	size := picture.Bounds()
	gray := image.NewGray(image.Rect(0, 0, size.Dx(), size.Dy()))
	// to color.GrayModel, without its allocations
	draw.Draw(gray, gray.Rect, picture, size.Min, draw.Src)
	return gray
}

func encode(gray *image.Gray) ([]byte, error) {
	var file bytes.Buffer
	err := png.Encode(&file, gray)
	return file.Bytes(), err
}
