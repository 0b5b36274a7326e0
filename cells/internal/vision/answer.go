package vision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Ask sends a picture to the cell at an address and returns the whole of its answer. ctx
// covers the call.
type Ask func(ctx context.Context, address string, picture []byte) (answer []byte, err error)

const (
	errorPrefix = "error: "
	maxReason   = 500 // bytes of a reason that came from elsewhere
)

// reply writes a picture cell's answer. What went wrong is told to the caller, since it
// is the caller's picture; only a caller who can't be told is an error here.
func reply(w io.Writer, answer []byte, failed error) error {
	if failed != nil {
		answer = []byte(errorPrefix + oneLine(failed.Error()) + "\n")
	}
	_, err := w.Write(answer)
	return err
}

// askForPicture asks another picture cell, and tells its picture from its error.
func askForPicture(ctx context.Context, ask Ask, address string, picture []byte) ([]byte, error) {
	answer, err := ask(ctx, address, picture)
	if err != nil {
		return nil, err
	}
	if begins(answer, pngOnly[0].begins) {
		return answer, nil
	}
	reason, isError := strings.CutPrefix(string(answer), errorPrefix)
	switch {
	case len(answer) == 0:
		return nil, fmt.Errorf("%s: ended without an answer", address)
	case !isError:
		return nil, fmt.Errorf("%s: answered neither a picture nor an error", address)
	}
	return nil, fmt.Errorf("%s: %w", address, errors.New(oneLine(reason)))
}

// oneLine keeps an error within its line, and a flood of words out of it.
func oneLine(text string) string {
	text = strings.TrimSpace(text[:min(len(text), maxReason)])
	text = strings.ToValidUTF8(text, "?")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// turns are how many pictures a cell works on at once. A large one takes some 400 MB
// while it is decoded. A turn is taken only when the whole picture has arrived, so that a
// slow caller holds up nobody.
var turns = make(chan struct{}, 2)

func inTurn(ctx context.Context, work func() ([]byte, error)) ([]byte, error) {
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
		return work()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
}
