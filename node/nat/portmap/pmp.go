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

// pmp speaks NAT-PMP: a request is a packet of 2 or 12 bytes, and the answer one of 12 or
// 16. There is a library for it, but its requests can't be cancelled.
type pmp struct {
	router, source netip.AddrPort

	age uint32    // the router's last answer to how long it has kept its state, in seconds
	at  time.Time // when that answer came
}

const (
	pmpPort = 5351
	// The first answer is waited for that long, the second twice and the third four times as
	// long.
	pmpWait  = 250 * time.Millisecond
	pmpTries = 3

	pmpLook = 0 // operations; in answers they are 128 higher
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
	if !p.at.IsZero() { // RFC 6886, 3.6: clocks may differ by an eighth
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
	return mappedPort(answer, inside)
}

// mappedPort reads the port from the answer to a mapping of our port inside.
func mappedPort(answer []byte, inside uint16) (uint16, error) {
	got, port := binary.BigEndian.Uint16(answer[8:]), binary.BigEndian.Uint16(answer[10:])
	seconds := binary.BigEndian.Uint32(answer[12:])
	if got != inside || port == 0 || seconds == 0 {
		return 0, fmt.Errorf("the router's answer for port %d makes no sense", inside)
	}
	return port, nil
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

// ask returns an answer of the given length that is not a refusal.
func (p *pmp) ask(ctx context.Context, question []byte, length int) ([]byte, error) {
	dialer := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(p.source)}
	conn, err := dialer.DialContext(ctx, "udp4", p.router.String()) // receives from nobody else
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

// pmpCheck returns an error if the answer does not fit the request, is a refusal, or has
// another length.
func pmpCheck(question, answer []byte, length int) error {
	if len(answer) < 4 || answer[0] != 0 || answer[1] != 128+question[1] {
		return errors.New("the answer is not NAT-PMP")
	}
	switch code := binary.BigEndian.Uint16(answer[2:]); code {
	case 0:
	case 3:
		return errNoAddress
	default:
		return fmt.Errorf("the router refuses (code %d)", code)
	}
	if len(answer) != length {
		return fmt.Errorf("the answer has %d bytes instead of %d", len(answer), length)
	}
	return nil
}
