package address

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Petname is a name that the user gave a peer, in lower case. The zero Petname names nobody.
type Petname struct{ text string }

func (p Petname) String() string { return p.text }

// maxPetname keeps peers/PETNAME.toml and a table of peers within bounds.
const maxPetname = 32

// ParsePetname checks a petname: one of [a-z0-9], then up to 31 of [a-z0-9_-]; upper case
// is lowered. "local" means this machine and is no petname; nor is a peer ID.
func ParsePetname(text string) (Petname, error) {
	if looksLikeID(text) {
		return Petname{}, fmt.Errorf("petname %q looks like a peer ID", clip(text))
	}
	low := strings.ToLower(text)
	switch {
	case low == "":
		return Petname{}, fmt.Errorf("petname is empty")
	case len(low) > maxPetname:
		return Petname{}, fmt.Errorf("petname %q has %d bytes, the limit is %d", clip(text),
			len(low), maxPetname)
	case low == local:
		return Petname{}, fmt.Errorf(`petname "local" means this machine`)
	case !isWord(low[0]):
		return Petname{}, fmt.Errorf("petname %q does not begin with a letter or a digit",
			clip(text))
	}
	for i := range len(low) {
		if c := low[i]; !isWord(c) && c != '_' && c != '-' {
			return Petname{}, fmt.Errorf("petname %q contains %q: only letters, digits, '_' and "+
				"'-' may appear", clip(text), low[i:i+1])
		}
	}
	return Petname{low}, nil
}

// Place is where some peer can be found, when nothing says which peer: an IP address or a DNS name,
// perhaps with a port, or a multiaddr. The handshake tells who lives there.
type Place struct{ text string }

func (p Place) String() string { return p.text }

// Host splits a place that is an IP address or a DNS name; port is 0 if none is named.
// ok is false for a multiaddr.
func (p Place) Host() (host string, port uint16, ok bool) {
	if p.IsMultiaddr() {
		return "", 0, false
	}
	host, port, err := splitHost(p.text)
	return host, port, err == nil
}

// ID returns the peer that the place is said to be of: that of a multiaddr which ends in /p2p/ID.
func (p Place) ID() (id ID, ok bool) {
	i := strings.LastIndex(p.text, "/p2p/")
	if i < 0 {
		return ID{}, false
	}
	id, err := ParseID(p.text[i+len("/p2p/"):])
	return id, err == nil
}

// IsMultiaddr says whether the place is a multiaddr, to be decoded by a library that knows them.
func (p Place) IsMultiaddr() bool { return strings.HasPrefix(p.text, "/") }

// Peer says which machine: the zero Peer is this one; otherwise it is exactly one of a peer ID,
// a petname and a place. Peers compare with ==.
type Peer struct {
	id      ID
	petname Petname
	place   Place
}

// PeerOf makes a Peer of an ID.
func PeerOf(id ID) Peer { return Peer{id: id} }

// IsLocal says whether the peer is this machine because none was named.
func (p Peer) IsLocal() bool { return p == Peer{} }

// ID returns the peer's ID, if it was named by ID.
func (p Peer) ID() (ID, bool) { return p.id, p.id.text != "" }

// Petname returns the peer's petname, if it was named so.
func (p Peer) Petname() (Petname, bool) { return p.petname, p.petname.text != "" }

// Place returns where the peer is, if it was named so.
func (p Peer) Place() (Place, bool) { return p.place, p.place.text != "" }

// String prints the peer as it stands behind the @ of an address; the local peer prints as "local".
func (p Peer) String() string {
	if p.IsLocal() {
		return local
	}
	return p.id.text + p.petname.text + p.place.text
}

const local = "local"

// ParsePeer reads what stands behind the @ of an address: a peer ID, a petname, an IP
// address or a DNS name with an optional port, a multiaddr, or "local".
func ParsePeer(text string) (Peer, error) {
	if strings.HasPrefix(text, "/") {
		return parseMultiaddr(text)
	}
	if strings.EqualFold(text, local) {
		return Peer{}, nil
	}
	if id, err := ParseID(text); err == nil {
		return Peer{id: id}, nil
	} else if looksLikeID(text) {
		return Peer{}, err
	}
	if !strings.ContainsAny(text, ".:[") {
		name, err := ParsePetname(text)
		return Peer{petname: name}, err
	}
	host, port, err := splitHost(text)
	if err != nil {
		return Peer{}, err
	}
	return Peer{place: Place{joinHost(host, port)}}, nil
}

// splitHost reads IP, IP:port, [v6]:port, name or name:port, and returns the host in its
// canonical form.
func splitHost(text string) (host string, port uint16, err error) {
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["),
		"]")); err == nil {
		if !strings.HasPrefix(text, "[") == strings.HasSuffix(text, "]") ||
			strings.HasPrefix(text, "[") && ip.Is4() {
			return "", 0, fmt.Errorf("place %q has a stray bracket", clip(text))
		}
		return checkIP(ip, 0)
	}
	if strings.HasPrefix(text, "[") || strings.Count(text, ":") > 1 {
		ap, err := netip.ParseAddrPort(text)
		if err != nil || ap.Port() == 0 {
			return "", 0, fmt.Errorf("place %q is not an IP address with a port: write [v6]:port",
				clip(text))
		}
		return checkIP(ap.Addr(), ap.Port())
	}
	host, portText, hasPort := strings.Cut(text, ":")
	if hasPort {
		n, err := strconv.ParseUint(portText, 10, 16)
		if err != nil || n == 0 || portText[0] == '+' {
			return "", 0, fmt.Errorf("place %q has a bad port: it is a number from 1 to 65535",
				clip(text))
		}
		port = uint16(n)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return checkIP(ip, port)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkDNS(host); err != nil {
		return "", 0, fmt.Errorf("place %q %w", clip(text), err)
	}
	if !strings.Contains(host, ".") && !hasPort {
		return "", 0, fmt.Errorf("place %q has no dot, and one word alone is a petname: write "+
			"%s:4433", clip(text), host)
	}
	return host, port, nil
}

func checkIP(ip netip.Addr, port uint16) (string, uint16, error) {
	if ip.Zone() != "" {
		return "", 0, fmt.Errorf("place %q has a zone: write it as a multiaddr, /ip6zone/…", ip)
	}
	return ip.String(), port, nil
}

func joinHost(host string, port uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == 0 {
		return host
	}
	return host + ":" + strconv.Itoa(int(port))
}

// checkDNS accepts host names as RFC 1123 has them, whose last label is not a number.
func checkDNS(host string) error {
	if len(host) > 253 {
		return fmt.Errorf("is longer than a DNS name may be")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("is neither an IP address nor a DNS name")
		}
		for i := range len(label) {
			if !isWord(label[i]) && label[i] != '-' {
				return fmt.Errorf("is neither an IP address nor a DNS name")
			}
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return fmt.Errorf("is neither an IP address nor a DNS name")
	}
	return nil
}

// maxMultiaddr leaves room in a request line.
const maxMultiaddr = 1024

// parseMultiaddr checks what can be checked without knowing the protocols: printable text
// with no empty part. If it ends in /p2p/ID, the ID is checked too.
func parseMultiaddr(text string) (Peer, error) {
	if len(text) > maxMultiaddr {
		return Peer{}, fmt.Errorf("multiaddr %q has %d bytes, the limit is %d", clip(text),
			len(text), maxMultiaddr)
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return Peer{}, fmt.Errorf("multiaddr %q contains a space or an unprintable character",
				clip(text))
		}
	}
	parts := strings.Split(text[1:], "/")
	for _, part := range parts {
		if part == "" {
			return Peer{}, fmt.Errorf("multiaddr %q has an empty part", clip(text))
		}
	}
	if n := len(parts); n >= 2 && parts[n-2] == "p2p" {
		if _, err := ParseID(parts[n-1]); err != nil {
			return Peer{}, fmt.Errorf("multiaddr ends in a bad peer: %w", err)
		}
	}
	return Peer{place: Place{text}}, nil
}
