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

// revoked is the text form of the list of revoked keys.
type revoked struct {
	Serials []serial `toml:"serials" comment:"serial numbers of revoked keys"`
}

// serial is a serial number, checked by the decoder so that an error names the line. It is a
// struct, since go-toml (2.4) sets a named string without calling UnmarshalText.
type serial struct{ text string }

func (s serial) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText converts to lower case, since the gate compares texts.
func (s *serial) UnmarshalText(text []byte) error {
	s.text = strings.ToLower(string(text))
	if raw, err := hex.DecodeString(s.text); err != nil || len(raw) != 8 {
		return fmt.Errorf("%q is not a serial number: use 16 hexadecimal digits", text)
	}
	return nil
}

// Revoked returns the serial numbers of revoked keys. Errors name the file.
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

// Revoke adds a serial number to the list.
func Revoke(ctx context.Context, h home.Home, number string) error {
	var one serial
	if err := one.UnmarshalText([]byte(number)); err != nil {
		return err
	}
	lock, err := socket.WaitLock(ctx, h.Revoked()+".lock")
	if err != nil {
		return err
	}
	defer lock.Unlock()
	list, err := readRevoked(h)
	if err != nil || slices.Contains(list.Serials, one) {
		return err
	}
	list.Serials = append(list.Serials, one)
	return textfile.Write(h.Revoked(), list)
}

func readRevoked(h home.Home) (list revoked, err error) {
	if err := textfile.Read(h.Revoked(), &list); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return revoked{}, err
	}
	return list, nil
}
