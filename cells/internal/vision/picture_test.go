package vision

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// Headers of pictures that declare a size, and hold nothing.

func hollowPNG(width, height uint32) []byte {
	header := []byte("IHDR")
	header = binary.BigEndian.AppendUint32(header, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 0, 0, 0, 0) // 8 bit gray
	file := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(file, header...), crc32.ChecksumIEEE(header))
}

func hollowJPEG(width, height uint16) []byte {
	file := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xc0\x00\x0b\x08"), height)
	file = binary.BigEndian.AppendUint16(file, width)
	return append(file, "\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff\xd9"...)
}

func hollowGIF(width, height uint16) []byte {
	file := binary.LittleEndian.AppendUint16([]byte("GIF89a"), width)
	return append(binary.LittleEndian.AppendUint16(file, height), 0, 0, 0, ';')
}

// emptyGIF has a frame, and the frame has no pixels.
func emptyGIF() []byte {
	file := bytes.TrimSuffix(hollowGIF(6, 6), []byte(";"))
	file[10] = 0x80 // two colors follow
	file = append(file, 0, 0, 0, 255, 255, 255)
	file = append(file, ',', 0, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(file, "\x02\x01\x2c\x00;"...) // the code that begins, the code that ends
}

func hollowBMP(width, height uint32) []byte {
	file := append([]byte("BM"), make([]byte, 52)...)
	for at, v := range map[int]uint32{10: 54, 14: 40, 18: width, 22: height, 26: 1 | 24<<16} {
		binary.LittleEndian.PutUint32(file[at:], v)
	}
	return file
}

func hollowTIFF(width, height uint32) []byte {
	file := []byte("II*\x00\x08\x00\x00\x00\x03\x00")
	for _, field := range []struct {
		tag   uint16
		value uint32
	}{{256, width}, {257, height}, {262, 1}} {
		file = binary.LittleEndian.AppendUint16(file, field.tag)
		file = append(file, 4, 0, 1, 0, 0, 0) // one LONG
		file = binary.LittleEndian.AppendUint32(file, field.value)
	}
	return append(file, 0, 0, 0, 0)
}

func hollowWebP(width, height uint32) []byte {
	size := binary.LittleEndian.AppendUint32([]byte{0x2f}, width-1|(height-1)<<14)
	return append([]byte("RIFF\x12\x00\x00\x00WEBPVP8L\x05\x00\x00\x00"), append(size, 0)...)
}

// One lossless pixel: there is no encoder for WebP in Go's libraries.
var tinyWebP, _ = base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")

func TestBadInput(t *testing.T) {
	whole := shipped(t)
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, decodePNG(t, whole), nil); err != nil {
		t.Fatal(err)
	}
	tooLong := append(bytes.Clone(whole), make([]byte, MaxBytes)...)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1

	for name, tt := range map[string]struct {
		input []byte
		want  string
	}{
		"nothing":            {nil, "not a picture: nothing was sent"},
		"text":               {[]byte("hello"), "not a picture: it does not begin like PNG, JPEG"},
		"zeros":              {make([]byte, 1<<20), "not a picture: it does not begin like"},
		"a PNG's first word": {[]byte("\x89PNG"), "not a picture: it does not begin like"},
		"a PNG's signature":  {whole[:8], "not a picture: the PNG breaks off or is damaged"},
		"a PNG's header":     {whole[:33], "not a picture: the PNG breaks off or is damaged"},
		"half a PNG": {whole[:len(whole)/2],
			"not a picture: the PNG breaks off or is damaged"},
		"a bit flipped": {flipped, "not a picture: the PNG breaks off or is damaged"},
		"half a JPEG": {photo.Bytes()[:photo.Len()/2],
			"not a picture: the JPEG breaks off or is damaged"},
		"no pixels": {hollowJPEG(1, 0), "not a picture: "},
		"a hollow PNG": {hollowPNG(5000, 5000),
			"not a picture: the PNG breaks off or is damaged"},
		"a PNG bomb":  {hollowPNG(50000, 50000), "picture too large: 50000 x 50000 pixels"},
		"a JPEG bomb": {hollowJPEG(65535, 65535), "picture too large: 65535 x 65535 pixels"},
		"just too many": {hollowPNG(8000, 4001),
			"picture too large: 8000 x 4001 pixels, the limit is 32 million"},
		"one long line":  {hollowPNG(100_000, 1), "picture too large: 100000 x 1 pixels"},
		"too many bytes": {tooLong, "picture too large: more than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			for cell, serve := range map[string]func(context.Context, io.ReadWriter) error{
				"edge_detector": EdgeDetector, "retina": retina(inMemory),
			} {
				start := time.Now()
				answer, err := call(serve, tt.input)
				if got := string(answer); err != nil ||
					!strings.HasPrefix(got, "error: "+tt.want) || strings.Count(got, "\n") != 1 {
					t.Errorf("%s answered %.200q, %v, want %q", cell, got, err, "error: "+tt.want)
				}
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("%s took %v", cell, took)
				}
			}
		})
	}
}

func TestBombsOfEveryFormat(t *testing.T) {
	for name, file := range map[string][]byte{
		"GIF":  hollowGIF(65535, 65535),
		"BMP":  hollowBMP(60000, 60000),
		"TIFF": hollowTIFF(60000, 60000),
		"WebP": hollowWebP(16384, 16384),
	} {
		answer, err := call(retina(inMemory), file)
		if got := string(answer); err != nil ||
			!strings.HasPrefix(got, "error: picture too large: ") {
			t.Errorf("%s: answered %q, %v", name, got, err)
		}
		// The same header with a modest size gets further, so it is the size that was refused.
		answer, err = call(retina(inMemory), map[string][]byte{
			"GIF": hollowGIF(6, 6), "BMP": hollowBMP(6, 6), "TIFF": hollowTIFF(6,
				6), "WebP": hollowWebP(6, 6),
		}[name])
		if got, want := string(answer), "error: not a picture: the "+name+" breaks off"; err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%s: answered %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestGIFWithoutPixels(t *testing.T) {
	answer, err := call(retina(inMemory), emptyGIF())
	if got := string(answer); err != nil || got != "error: not a picture: it has no pixels\n" {
		t.Errorf("answered %q, %v", got, err)
	}
}

func TestRetinaReadsEveryFormat(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 40, 30),
		color.Palette{color.Gray{Y: 0}, color.Gray{Y: 255}})
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i % 40 / 20)
	}
	want := slowSobel(grayLevels(picture))
	for name, encode := range map[string]func(io.Writer) error{
		"GIF": func(w io.Writer) error { return gif.Encode(w, picture, nil) },
		"BMP": func(w io.Writer) error { return bmp.Encode(w, picture) },
		"TIFF": func(w io.Writer) error {
			return tiff.Encode(w, picture, &tiff.Options{Compression: tiff.Deflate})
		},
		"PNG": func(w io.Writer) error { _, err := w.Write(pngOf(t, picture)); return err },
	} {
		var file bytes.Buffer
		if err := encode(&file); err != nil {
			t.Fatal(err)
		}
		answer, err := call(retina(inMemory), file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { compare(t, grayLevels(decodePNG(t, answer)), want) })

		if answer, _ := call(EdgeDetector, file.Bytes()); name != "PNG" &&
			!strings.HasPrefix(string(answer), "error: not a picture") {
			t.Errorf("edge_detector read %s: %.80q", name, answer)
		}
	}
	answer, err := call(retina(inMemory), tinyWebP)
	if err != nil {
		t.Fatal(err)
	}
	if size := decodePNG(t, answer).Bounds(); size != image.Rect(0, 0, 1, 1) {
		t.Errorf("edges of a WebP of one pixel are %v", size)
	}
}

func TestReadPictureWhoseEndNeverCame(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{os.ErrDeadlineExceeded, "end the writing side"},
		{io.ErrUnexpectedEOF, "read the picture: unexpected EOF"},
	} {
		cut := io.MultiReader(bytes.NewReader(shipped(t)), brokenReader{tt.err})
		if _, err := readPicture(cut); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("readPicture = %v, want %q", err, tt.want)
		}
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

func TestDecodeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := decode(ctx, shipped(t), anyFormat); err == nil ||
		err.Error() != "decode the picture: context canceled" {
		t.Errorf("decode = %v", err)
	}
}

func TestReaderUntil(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := readerUntil{ctx, strings.NewReader("abc")}
	if n, err := r.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("before: %d, %v", n, err)
	}
	cancel()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != context.Canceled {
		t.Errorf("after: %d, %v", n, err)
	}
}

func TestWaitForATurnEndsWithItsContext(t *testing.T) {
	for range cap(turns) {
		turns <- struct{}{}
		defer func() { <-turns }()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := inTurn(ctx, func() ([]byte, error) { t.Error("had a turn"); return nil, nil })
	if err == nil || err.Error() != "wait for a turn: context canceled" {
		t.Errorf("inTurn = %v", err)
	}
}
