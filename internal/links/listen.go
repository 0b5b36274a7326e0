package links

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
)

// Listen is where a link or forward listens: IP:PORT, the full path of a Unix socket or, for a
// link, run/NAME@PEER.sock in the home. Listens can be compared with ==. The zero Listen is
// nowhere.
type Listen struct {
	text    string
	network string          // as for net.Dial
	link    address.Address // the cell of a link; zero for a forward
}

// Free is any free port of the loopback interface.
var Free, _ = ParseListen("127.0.0.1:0")

// ParseListen reads what String prints and what a person may write: a port alone, or one of
// localhost, is a port of 127.0.0.1, and a path may begin with unix:.
func ParseListen(text string) (Listen, error) {
	var l Listen
	var err error
	switch path := strings.TrimPrefix(text, "unix:"); {
	case strings.HasPrefix(path, linkDir):
		l, err = parseLink(path)
	case strings.HasPrefix(path, "/"):
		l, err = parsePath(filepath.Clean(path))
	default:
		l, err = parsePort(text)
	}
	if err != nil {
		return Listen{}, fmt.Errorf("%q %w", text, err)
	}
	return l, nil
}

// linkDir is where links are, relative to the home.
const linkDir = "run/"

func parseLink(path string) (Listen, error) {
	name, ok := strings.CutSuffix(path[len(linkDir):], ".sock")
	to, err := address.Parse(name)
	if !ok || err != nil {
		return Listen{}, errors.New("is not a link, as in run/NAME@PEER.sock")
	}
	return Link(to)
}

func parsePath(path string) (Listen, error) {
	switch {
	case strings.ContainsFunc(path, func(r rune) bool { // it must be one word of a request line
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}):
		return Listen{}, errors.New("has a space or a control character: choose another path")
	case len(path) > home.MaxSocketPath:
		return Listen{}, fmt.Errorf("has %d bytes, the limit for a socket is %d: choose a "+
			"shorter path", len(path), home.MaxSocketPath)
	}
	return Listen{text: path, network: "unix"}, nil
}

func parsePort(text string) (Listen, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = "", text
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if errors.Is(err, strconv.ErrRange) {
		return Listen{}, errors.New("has a port that is not from 1 to 65535")
	}
	if err != nil {
		return Listen{}, errors.New("is neither a port, as in 127.0.0.1:5432, nor the full path " +
			"of a socket, as in /tmp/db.sock")
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return Listen{}, errors.New("does not begin with an IP address of this machine, as in " +
			"127.0.0.1:5432")
	}
	return Listen{text: netip.AddrPortFrom(ip.Unmap(), uint16(number)).String(),
		network: "tcp"}, nil
}

// Link returns where the link to an address listens. The peer's text must be usable as a file
// name.
func Link(to address.Address) (Listen, error) {
	place, _ := to.Peer.Place()
	switch {
	case to.Peer.IsLocal():
		return Listen{}, fmt.Errorf("%s is a cell of this machine and already has a socket",
			to.Cell)
	case place.IsMultiaddr():
		return Listen{}, errors.New("a multiaddr cannot be a file name: give the peer a petname")
	}
	to = withoutKey(to)
	return Listen{linkDir + to.String() + ".sock", "unix", to}, nil
}

// String prints what ParseListen reads.
func (l Listen) String() string { return l.text }

// In returns the network and address for net.Dial. It fails if the path of a link is too long
// for a socket address.
func (l Listen) In(h home.Home) (network, at string, err error) {
	if at = l.text; l.IsLink() {
		at, err = h.Link(l.link)
	}
	return l.network, at, err
}

// Of is ParseListen for a person, who may name a link by its full path.
func Of(h home.Home, text string) (Listen, error) {
	path := strings.TrimPrefix(text, "unix:")
	if filepath.Dir(path) == h.RunDir() && strings.Contains(filepath.Base(path), "@") {
		text = linkDir + filepath.Base(path)
	}
	return ParseListen(text)
}

// Exposed reports whether other machines can connect.
func (l Listen) Exposed() bool {
	at, err := netip.ParseAddrPort(l.text)
	return err == nil && !at.Addr().IsLoopback()
}

// IsLink reports whether it is a link, which leads to the cell in its name.
func (l Listen) IsLink() bool { return l.link != address.Address{} }

// any reports whether the port is left to the system.
func (l Listen) any() bool { return l.network == "tcp" && strings.HasSuffix(l.text, ":0") }

// leads reports whether l may lead to the address: a link leads only to the cell in its name.
func (l Listen) leads(to address.Address) bool {
	return !l.IsLink() || l.link == withoutKey(to)
}
