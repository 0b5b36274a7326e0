package portmap

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// pmp speaks NAT-PMP: a question is a packet of 2 or 12 bytes, and the answer one of 12
// or 16. There is a library, whose questions can't be taken back before they are
// answered.
type pmp struct {
	router, source netip.AddrPort

	// The router tells for how long it has known what it knows.
	age uint32
	at  time.Time // when it said so
}

const (
	pmpPort = 5351
	// The first packet is waited for that long, the next one twice, and the third one four times.
	pmpWait  = 250 * time.Millisecond
	pmpTries = 3

	pmpLook = 0 // operations; those of the answers are 128 more
	pmpUDP  = 1
	pmpTCP  = 2
)

func newPMP(router, source netip.Addr) *pmp {
	return &pmp{router: netip.AddrPortFrom(router, pmpPort), source: netip.AddrPortFrom(source, 0)}
}

func (*pmp) name() string { return "NAT-PMP" }

func (p *pmp) look(ctx context.Context) (outside netip.Addr, anew bool, err error) {
	answer, err := p.ask(ctx, []byte{0, pmpLook}, 12)
	if err != nil {
		return outside, false, err
	}
	age := binary.BigEndian.Uint32(answer[4:])
	if !p.at.IsZero() { // as RFC 6886 has it in 3.6: clocks may differ by an eighth
		expected := int64(p.age) + int64(time.Since(p.at)/time.Second)*7/8 - 2
		anew = int64(age) < expected
	}
	p.age, p.at = age, time.Now()
	return netip.AddrFrom4([4]byte(answer[8:])), anew, nil
}

func (p *pmp) open(ctx context.Context, protocol string, inside, wanted uint16) (uint16, error) {
	answer, err := p.mapping(ctx, protocol, inside, wanted, uint32(lease/time.Second))
	if err != nil {
		return 0, err
	}
	if got := binary.BigEndian.Uint16(answer[8:]); binary.BigEndian.Uint16(answer[10:]) != 0 &&
		got == inside && binary.BigEndian.Uint32(answer[12:]) != 0 {
		return binary.BigEndian.Uint16(answer[10:]), nil
	}
	return 0, fmt.Errorf("answers for port %d what makes no sense", inside)
}

func (p *pmp) shut(ctx context.Context, protocol string, inside, _ uint16) error {
	_, err := p.mapping(ctx, protocol, inside, 0, 0)
	return err
}

func (p *pmp) mapping(ctx context.Context, protocol string, inside, outside uint16,
	seconds uint32) ([]byte, error) {
	question := []byte{0, pmpUDP, 0, 0}
	if protocol == tcp {
		question[1] = pmpTCP
	}
	question = binary.BigEndian.AppendUint16(question, inside)
	question = binary.BigEndian.AppendUint16(question, outside)
	return p.ask(ctx, binary.BigEndian.AppendUint32(question, seconds), 16)
}

var errSilent = errors.New("no answer")

// ask returns an answer of the given length that is no refusal.
func (p *pmp) ask(ctx context.Context, question []byte, length int) ([]byte, error) {
	dialer := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(p.source)}
	conn, err := dialer.DialContext(ctx, "udp4", p.router.String()) // hears nobody else
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	answer := make([]byte, 32)
	for wait := pmpWait; wait < pmpWait<<pmpTries; wait *= 2 {
		conn.SetDeadline(time.Now().Add(wait))
		if _, err := conn.Write(question); err != nil {
			return nil, err
		}
		n, err := conn.Read(answer)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			continue
		}
		if err != nil {
			return nil, errors.Unwrap(err) // the rest would only repeat the addresses
		}
		return answer[:n], pmpCheck(question, answer[:n], length)
	}
	return nil, errSilent
}

// pmpCheck says what is wrong with an answer.
func pmpCheck(question, answer []byte, length int) error {
	if len(answer) < 4 || answer[0] != 0 || answer[1] != 128+question[1] {
		return errors.New("answers in another language")
	}
	switch code := binary.BigEndian.Uint16(answer[2:]); code {
	case 0:
	case 3:
		return errNoAddress
	default:
		return fmt.Errorf("refuses (code %d)", code)
	}
	if len(answer) != length {
		return fmt.Errorf("answers with %d bytes, and not with %d", len(answer), length)
	}
	return nil
}
