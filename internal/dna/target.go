package dna

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cell-mesh/cell/internal/home"
)

// Target is where a server listens, as for net.Dial.
type Target struct{ Network, Address string }

// IsZero reports whether t is the zero Target.
func (t Target) IsZero() bool { return t == Target{} }

// String prints what ParseTarget reads.
func (t Target) String() string {
	if t.Network == "unix" {
		return "unix:" + t.Address
	}
	return t.Address
}

// ParseTarget reads HOST:PORT, or unix:/PATH of a socket.
func ParseTarget(text string) (Target, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		switch {
		case !filepath.IsAbs(path) || strings.ContainsRune(path, 0):
			return Target{}, fmt.Errorf("%q is not the full path of a socket, as in "+
				"\"unix:/run/x.sock\"", text)
		case len(path) > home.MaxSocketPath:
			return Target{}, fmt.Errorf("the path in %q has %d bytes, the limit is %d: use a "+
				"shorter one", text, len(path), home.MaxSocketPath)
		}
		return Target{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(text)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err == nil && (errors.Is(portErr, strconv.ErrRange) || portErr == nil && number == 0) {
		return Target{}, fmt.Errorf("port %s in %q is not from 1 to 65535", port, text)
	}
	if err != nil || portErr != nil || host == "" || strings.ContainsAny(host, " /\x00") {
		return Target{}, fmt.Errorf("%q is neither HOST:PORT, as in \"127.0.0.1:5432\", nor "+
			"\"unix:/PATH\"", text)
	}
	return Target{"tcp", net.JoinHostPort(host, strconv.FormatUint(number, 10))}, nil
}

func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t *Target) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTarget(string(text))
	return err
}
