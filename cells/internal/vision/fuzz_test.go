package vision

import (
	"bytes"
	"context"
	"image/gif"
	"image/jpeg"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// FuzzEdges sends anything to retina, which reads all formats and passes its own on to
// edge_detector. Whatever it was, the answer is a picture within the limits or one line
// that says why not.
func FuzzEdges(f *testing.F) {
	picture := paint(12, 9, noise)
	var asJPEG, asGIF, asBMP, asTIFF bytes.Buffer
	for _, err := range []error{
		jpeg.Encode(&asJPEG, picture, nil),
		gif.Encode(&asGIF, picture, nil),
		bmp.Encode(&asBMP, picture),
		tiff.Encode(&asTIFF, picture, nil),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	asPNG := pngOf(f, picture)
	for _, seed := range [][]byte{
		nil, []byte("hello"), asPNG, asPNG[:len(asPNG)/2], asJPEG.Bytes(),
		asJPEG.Bytes()[:asJPEG.Len()/2], asGIF.Bytes(),
		asBMP.Bytes(), asTIFF.Bytes(), tinyWebP, hollowPNG(50000, 50000), hollowJPEG(65535,
			65535), hollowGIF(9, 9), emptyGIF(),
		hollowBMP(60000, 60000), hollowTIFF(9, 9), hollowWebP(16384, 16384),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if large(data) {
			t.Skip("right, but slow")
		}
		answer, err := call(retina(inMemory), data)
		if err != nil {
			t.Fatal(err)
		}
		text := string(answer)
		if strings.HasPrefix(text, "error: ") {
			if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") || len(text) > 600 {
				t.Fatalf("not a line: %q", text)
			}
			return
		}
		if size := decodePNG(t, answer).Bounds().Size(); size.X > MaxSide || size.Y > MaxSide {
			t.Fatalf("edges have size %v", size)
		}
		if _, err := decode(context.Background(), data, anyFormat); err != nil {
			t.Fatalf("edges of what is %v", err)
		}
	})
}

// large says whether data declares a picture that is allowed, and takes long.
func large(data []byte) bool {
	format, err := recognise(data, anyFormat)
	if err != nil {
		return false
	}
	size, err := format.config(bytes.NewReader(data))
	return err == nil && checkSize(size.Width, size.Height) == nil && size.Width*size.Height > 1<<18
}
