package capability

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// revoked is the text form of the list of keys that were taken back.
type revoked struct {
	Serials []serial `toml:"serials" comment:"keys that open nothing any more, though they have not expired"`
}

// serial is a serial number, checked where it stands so that an error can name its line.
// It is a struct since the decoder puts a string into any kind of string unchecked.
type serial struct{ text string }

func (s serial) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText lowers the digits: the gate compares texts.
func (s *serial) UnmarshalText(text []byte) error {
	s.text = strings.ToLower(string(text))
	if raw, err := hex.DecodeString(s.text); err != nil || len(raw) != 8 {
		return fmt.Errorf("%q is not a key's serial number: it has 16 hexadecimal digits", text)
	}
	return nil
}

// Revoked returns the serial numbers of the keys that were taken back. The error names the file.
func Revoked(h home.Home) ([]string, error) {
	list, err := readRevoked(h)
	if err != nil {
		return nil, err
	}
	var serials []string
	for _, s := range list.Serials {
		serials = append(serials, s.text)
	}
	return serials, nil
}

// Revoke takes a key back.
func Revoke(ctx context.Context, h home.Home, number string) error {
	var taken serial
	if err := taken.UnmarshalText([]byte(number)); err != nil {
		return err
	}
	lock, err := socket.WaitLock(ctx, h.Revoked()+".lock")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	list, err := readRevoked(h)
	if err != nil || slices.Contains(list.Serials, taken) {
		return err
	}
	list.Serials = append(list.Serials, taken)
	return textfile.Write(h.Revoked(), list)
}

func readRevoked(h home.Home) (list revoked, err error) {
	if err := textfile.Read(h.Revoked(), &list); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return revoked{}, err
	}
	return list, nil
}
