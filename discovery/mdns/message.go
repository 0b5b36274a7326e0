package mdns

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxPacket is what we send at most: a packet of this size crosses every network in one piece.
	maxPacket = 1400
	// maxRecords bounds how many records of one packet we look at.
	maxRecords = 128
	// ttl is how long others may remember us, in seconds. It is short, because a peer that hears
	// us through a caching library is told of us again only when it has passed.
	ttl = 120
	// hostPort is the port that SRV records carry. libp2p's specification does not use it.
	hostPort = 4001
	// cacheFlush marks a record that replaces all others of its name (RFC 6762, 10.2).
	cacheFlush = 1 << 15
)

// announcement is what one packet says of one instance of the service.
type announcement struct {
	instance string   // its full name
	texts    []string // of its TXT record
	leaving  bool     // the TTL is 0: it says goodbye
}

// message is what a packet has for us.
type message struct {
	asks  bool // for instances of the service
	heard []announcement
}

// parse reads a packet of up to 64 KiB. It ignores what does not concern the service, and fails
// if the packet is no DNS message. Memory is bounded by the size of the packet.
func parse(packet []byte, service string) (m message, err error) {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil {
		return message{}, err
	}
	if !header.Response {
		for range maxRecords {
			q, err := p.Question()
			if err != nil {
				break
			}
			m.asks = m.asks || strings.EqualFold(q.Name.String(), service) &&
				(q.Type == dnsmessage.TypePTR || q.Type == dnsmessage.TypeALL)
		}
		return m, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return message{}, err
	}
	left := maxRecords
	m.read(p.AnswerHeader, p.SkipAnswer, p.TXTResource, service, &left)
	if p.SkipAllAuthorities() == nil {
		m.read(p.AdditionalHeader, p.SkipAdditional, p.TXTResource, service, &left)
	}
	return m, nil
}

// read takes the service's TXT records out of one section, until it ends or is malformed.
func (m *message) read(header func() (dnsmessage.ResourceHeader, error), skip func() error,
	text func() (dnsmessage.TXTResource, error), service string, left *int) {
	for ; *left > 0; *left-- {
		h, err := header()
		if err != nil {
			return
		}
		name := h.Name.String()
		if h.Type != dnsmessage.TypeTXT || !isInstance(name, service) {
			if skip() != nil {
				return
			}
			continue
		}
		txt, err := text()
		if err != nil {
			return
		}
		m.heard = append(m.heard, announcement{name, txt.TXT, h.TTL == 0})
	}
}

func isInstance(name, service string) bool {
	at := len(name) - len(service)
	return at > 1 && name[at-1] == '.' && strings.EqualFold(name[at:], service)
}

// query asks for instances of the service.
func query(service string) ([]byte, error) {
	name, err := dnsmessage.NewName(service)
	if err != nil {
		return nil, err
	}
	return (&dnsmessage.Message{Questions: []dnsmessage.Question{
		{Name: name, Type: dnsmessage.TypePTR, Class: dnsmessage.ClassINET},
	}}).Pack()
}

// describe announces an instance with as many of its texts as fit, or takes it back if leaving.
// libp2p's specification wants PTR and TXT; the SRV and address records are for browsers such as
// libp2p/zeroconf, which ignore an instance without them.
func describe(service string, a announcement, ips []netip.Addr) ([]byte, error) {
	var names [3]dnsmessage.Name
	for i, s := range []string{service, a.instance,
		strings.TrimSuffix(a.instance, service) + "local."} {
		name, err := dnsmessage.NewName(s)
		if err != nil {
			return nil, err
		}
		names[i] = name
	}
	for n := len(a.texts); ; n-- {
		packet, err := build(names[0], names[1], names[2], a.texts[:n], a.leaving, ips)
		if err != nil || len(packet) <= maxPacket || n == 0 {
			return packet, err
		}
	}
}

func build(service, instance, host dnsmessage.Name, texts []string, leaving bool,
	ips []netip.Addr) ([]byte, error) {
	var alive uint32 = ttl
	if leaving {
		alive = 0
	}
	header := func(name dnsmessage.Name, class dnsmessage.Class) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: name, Class: class, TTL: alive}
	}
	const own = dnsmessage.ClassINET | cacheFlush
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{Response: true, Authoritative: true})
	b.EnableCompression()
	b.StartAnswers() // this and what follows fails only where the order is wrong; Finish says so
	b.PTRResource(header(service, dnsmessage.ClassINET), dnsmessage.PTRResource{PTR: instance})
	b.StartAdditionals()
	b.SRVResource(header(instance, own), dnsmessage.SRVResource{Port: hostPort, Target: host})
	if err := b.TXTResource(header(instance, own), dnsmessage.TXTResource{TXT: texts}); err != nil {
		return nil, err // a text of more than 255 bytes
	}
	for _, ip := range ips {
		if ip.Is4() {
			b.AResource(header(host, own), dnsmessage.AResource{A: ip.As4()})
		} else {
			b.AAAAResource(header(host, own), dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
	}
	return b.Finish()
}
