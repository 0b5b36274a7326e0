package portmap

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// answerPMP answers as a good router.
func answerPMP(question []byte, age uint32, outside netip.Addr, port uint16,
	seconds uint32) []byte {
	answer := []byte{0, 128 + question[1], 0, 0}
	answer = binary.BigEndian.AppendUint32(answer, age)
	if question[1] == pmpLook {
		return append(answer, outside.AsSlice()...)
	}
	answer = append(answer, question[4:6]...)
	answer = binary.BigEndian.AppendUint16(answer, port)
	return binary.BigEndian.AppendUint32(answer, seconds)
}

func TestPMP(t *testing.T) {
	t.Parallel()
	router := newAddress()
	age := make(chan uint32, 1)
	listenUDP(t, router, pmpPort, func(question []byte) [][]byte {
		seconds := uint32(0)
		if len(question) == 12 {
			seconds = binary.BigEndian.Uint32(question[8:])
		}
		select {
		case a := <-age:
			return [][]byte{answerPMP(question, a, wan1, 5000, seconds)}
		default:
			return [][]byte{answerPMP(question, 100, wan1, 5000, seconds)}
		}
	})
	p := newPMP(router, loopback)
	for _, c := range []struct {
		age  uint32
		anew bool
	}{{100, false}, {100, false}, {5000, false}, {3, true}, {3, false}} {
		age <- c.age
		outside, anew, err := p.look(t.Context())
		if err != nil || outside != wan1 || anew != c.anew {
			t.Errorf("after %d s: %v, anew %v, %v; want %v, %v", c.age, outside, anew, err, wan1,
				c.anew)
		}
	}
	for _, protocol := range []string{udp, tcp} {
		if port, err := p.open(t.Context(), protocol, 4433, 4433); err != nil || port != 5000 {
			t.Errorf("%s: opened %d, %v", protocol, port, err)
		}
		check(t, p.shut(t.Context(), protocol, 4433, 5000))
	}
}

// What a router answers that makes no sense opens nothing, and is told in a word.
func TestBadPMP(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		answer func(question []byte) [][]byte
		want   string
	}{
		"silent": {func([]byte) [][]byte { return nil }, "no answer"},
		"empty":  {func([]byte) [][]byte { return [][]byte{{}} }, "not NAT-PMP"},
		"short": {func(q []byte) [][]byte { return [][]byte{answerPMP(q, 0, wan1, 1, 1)[:9]} },
			"the answer has 9 bytes"},
		"long": {func(q []byte) [][]byte {
			return [][]byte{append(answerPMP(q, 0, wan1, 1, 1),
				make([]byte, 1400)...)}
		}, "the answer has 32 bytes"},
		"PCP": {func(q []byte) [][]byte {
			return [][]byte{append([]byte{2},
				answerPMP(q, 0, wan1, 1, 1)[1:]...)}
		}, "not NAT-PMP"},
		"echo": {func(q []byte) [][]byte { return [][]byte{q} }, "not NAT-PMP"},
		"refuses": {func(q []byte) [][]byte {
			a := answerPMP(q, 0, wan1, 1,
				1)
			a[3] = 2
			return [][]byte{a}
		}, "refuses (code 2)"},
		"no line": {func(q []byte) [][]byte {
			a := answerPMP(q, 0, wan1, 1,
				1)
			a[3] = 3
			return [][]byte{a}
		}, errNoAddress.Error()},
		"port 0": {func(q []byte) [][]byte { return [][]byte{answerPMP(q, 0, wan1, 0, 100)} },
			"makes no sense"},
		"no time": {func(q []byte) [][]byte { return [][]byte{answerPMP(q, 0, wan1, 4433, 0)} },
			"makes no sense"},
		"another's": {func(q []byte) [][]byte {
			a := answerPMP(q, 0, wan1, 4433, 100)
			a[8]++
			return [][]byte{a}
		}, "makes no sense"},
		"noise": {func([]byte) (all [][]byte) {
			for range 100 {
				packet := make([]byte, random.IntN(64))
				for i := range packet {
					packet[i] = byte(1 + random.IntN(255))
				}
				all = append(all, packet)
			}
			return all
		}, "not NAT-PMP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			router := newAddress()
			listenUDP(t, router, pmpPort, c.answer)
			within(t, 4*time.Second, func() {
				port, err := newPMP(router, loopback).open(t.Context(), udp, 4433, 4433)
				if err == nil || port != 0 || !strings.Contains(err.Error(), c.want) {
					t.Errorf("opened %d, %v; want %q", port, err, c.want)
				}
			})
		})
	}
}

// Whoever asks does not wait longer than they want to, and a machine where nobody listens
// says so at once.
func TestSoon(t *testing.T) {
	t.Parallel()
	silent := newAddress()
	listenUDP(t, silent, pmpPort, func([]byte) [][]byte { return nil })
	within(t, 200*time.Millisecond, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := newPMP(silent, loopback).look(ctx); err != context.DeadlineExceeded {
			t.Errorf("a silent router: %v", err)
		}
	})
	within(t, time.Second, func() {
		if _, _, err := newPMP(newAddress(), loopback).look(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "refused") {
			t.Errorf("a machine that is no router: %v", err)
		}
	})
}
