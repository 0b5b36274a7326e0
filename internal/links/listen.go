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

// Listen is where a link or a forward listens, checked: IP:PORT, the whole path of a Unix
// socket or, for a link, run/NAME@PEER.sock in the home. Listens compare with ==; the
// zero Listen is nowhere.
type Listen struct {
	text    string
	network string          // in the words of net.Dial
	link    address.Address // the cell that a link is called after; zero for a forward
}

// Free is a free port, for the programs of this machine alone.
var Free, _ = ParseListen("127.0.0.1:0")

// ParseListen reads what String prints, and what a person may write for it: a port alone
// is one of 127.0.0.1, and so is one of localhost; unix: may stand before a path.
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

// linkDir is where links are, as seen from the home.
const linkDir = "run/"

func parseLink(path string) (Listen, error) {
	name, ok := strings.CutSuffix(path[len(linkDir):], ".sock")
	to, err := address.Parse(name)
	if !ok || err != nil {
		return Listen{}, errors.New("is not run/NAME@PEER.sock, where a link listens")
	}
	return Link(to)
}

func parsePath(path string) (Listen, error) {
	switch {
	case strings.ContainsFunc(path, func(r rune) bool {
		return unicode.IsSpace(r) ||
			!unicode.IsPrint(r)
	}):
		return Listen{}, errors.New("has a space or a control character, which can't be told to the stem: choose another path")
	case len(path) > home.MaxSocketPath:
		return Listen{}, fmt.Errorf("has %d bytes, the limit for a socket is %d: choose a shorter path", len(path), home.MaxSocketPath)
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
		return Listen{}, errors.New("asks for a port that does not exist: they go from 1 to 65535")
	}
	if err != nil {
		return Listen{}, errors.New("is neither a port, as in 127.0.0.1:5432, nor the whole path of a socket, as in /tmp/db.sock")
	}
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return Listen{}, errors.New("does not begin with an IP address of this machine, as in 127.0.0.1:5432")
	}
	return Listen{text: netip.AddrPortFrom(ip.Unmap(), uint16(number)).String(),
		network: "tcp"}, nil
}

// Link is where the link to an address listens. The peer must be one that a file can be
// called after.
func Link(to address.Address) (Listen, error) {
	place, _ := to.Peer.Place()
	switch {
	case to.Peer.IsLocal():
		return Listen{}, fmt.Errorf("%s is a cell of this machine, and has a socket already",
			to.Cell)
	case place.IsMultiaddr():
		return Listen{}, errors.New("no file can be called after a multiaddr: give the peer a name")
	}
	to.Key = ""
	return Listen{linkDir + to.String() + ".sock", "unix", to}, nil
}

// String prints what ParseListen reads.
func (l Listen) String() string { return l.text }

// In returns where that is for any program of this machine, in the words of net.Dial. It
// fails, naming both lengths, if the path of a link has no room in a socket address.
func (l Listen) In(h home.Home) (network, at string, err error) {
	if at = l.text; l.IsLink() {
		at, err = h.Link(l.link)
	}
	return l.network, at, err
}

// Of returns where text says, for a person who may name a link by its whole path.
func Of(h home.Home, text string) (Listen, error) {
	path := strings.TrimPrefix(text, "unix:")
	if filepath.Dir(path) == h.RunDir() && strings.Contains(filepath.Base(path), "@") {
		text = linkDir + filepath.Base(path)
	}
	return ParseListen(text)
}

// Exposed says whether other machines can connect there.
func (l Listen) Exposed() bool {
	at, err := netip.ParseAddrPort(l.text)
	return err == nil && !at.Addr().IsLoopback()
}

// IsLink says whether it is a link's, which leads to the cell that it is called after.
func (l Listen) IsLink() bool { return l.link != address.Address{} }

// any says whether the port is any that is free.
func (l Listen) any() bool { return l.network == "tcp" && strings.HasSuffix(l.text, ":0") }

// leads says whether to may be what is found here: a link leads to the cell that it is
// called after.
func (l Listen) leads(to address.Address) bool {
	to.Key = ""
	return !l.IsLink() || l.link == to
}
