package bench

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

const roundTripTime = 50 * time.Millisecond

// socketBuffer holds what arrives while the link is not scheduled. The kernel may give less.
const socketBuffer = 4 << 20

// far measures calls over a link with delay, where round trips dominate.
func (l *lab) far() error {
	here, there, err := l.pair("quic-v1", l.slow)
	if err != nil {
		return err
	}
	if _, err := l.serveCells(there.Home); err != nil {
		return err
	}
	raw, err := l.floor("quic-v1", l.slow)
	if err != nil {
		return err
	}
	floor, got, err := inTurns(l.times(10), 1,
		func() error { return hello(raw.Open(l.ctx, HelloName)) },
		func() error { return hello(l.dial(here.Home, HelloName+"@"+there.ID)) })
	if err != nil {
		return err
	}
	what := fmt.Sprintf("quic, a link of %v: ", roundTripTime)
	l.addTime(what+"dial to first byte", floor, got, 1.10, 0)

	floor, got, err = inTurns(l.times(10), 1,
		func() error { return call(raw.Open(l.ctx, CellName)) },
		func() error {
			conn, err := l.Dial(l.ctx, here.Home, CellName+"@"+there.ID, echoed[:])
			return answered(conn, err)
		})
	if err != nil {
		return err
	}
	l.addTime(what+"dial with 64 bytes, and back", floor, got, 1.10, 0)

	const bytes = 2 << 20
	for _, way := range ways {
		floor, got, err = inTurns(l.times(8), 1,
			func() error {
				conn, err := raw.Open(l.ctx, CellName)
				return way.carry(conn, err, bytes)
			},
			func() error {
				conn, err := l.dial(here.Home, CellName+"@"+there.ID)
				return way.carry(conn, err, bytes)
			})
		if err != nil {
			return err
		}
		l.addRate(what+"a call with 2 MiB, "+way.name, bytes, floor, got, 0.95)
	}
	return nil
}

// slow puts a link with delay before a UDP multiaddr and returns the multiaddr of the link.
func (l *lab) slow(multiaddr string) (string, error) {
	parts := strings.Split(multiaddr, "/") // "", ip4, 127.0.0.1, udp, PORT, quic-v1, …
	port, err := strconv.Atoi(parts[4])
	if err != nil {
		return "", err
	}
	link := &link{far: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		ways: map[string]*net.UDPConn{}}
	if link.near, err = net.ListenUDP("udp4",
		&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return "", err
	}
	link.near.SetReadBuffer(socketBuffer)
	link.work.Go(link.forth)
	l.undo = append(l.undo, link.close)
	parts[4] = strconv.Itoa(link.near.LocalAddr().(*net.UDPAddr).Port)
	return strings.Join(parts, "/"), nil
}

// link forwards and delays datagrams between its clients and the far end.
type link struct {
	near *net.UDPConn
	far  *net.UDPAddr
	ways map[string]*net.UDPConn // to the far end, by client; only forth uses it
	work sync.WaitGroup
}

func (l *link) forth() {
	defer func() {
		for _, way := range l.ways {
			way.Close()
		}
	}()
	l.carry(l.near, func(data []byte, from *net.UDPAddr) {
		way := l.ways[from.String()]
		if way == nil {
			var err error
			if way, err = net.DialUDP("udp4", nil, l.far); err != nil {
				return
			}
			way.SetReadBuffer(socketBuffer)
			l.ways[from.String()] = way
			l.work.Go(func() {
				l.carry(way, func(data []byte, _ *net.UDPAddr) { l.near.WriteToUDP(data, from) })
			})
		}
		way.Write(data)
	})
}

// carry delivers datagrams after a delay, in order, until the socket is closed.
func (l *link) carry(conn *net.UDPConn, deliver func([]byte, *net.UDPAddr)) {
	type packet struct {
		data []byte
		from *net.UDPAddr
		due  time.Time
	}
	queue := make(chan packet, 10_000)
	var delivering sync.WaitGroup
	defer delivering.Wait()
	defer close(queue)
	delivering.Go(func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			deliver(p.data, p.from)
		}
	})
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFromUDP(buf)
		if err != nil {
			return
		}
		queue <- packet{append([]byte(nil), buf[:n]...), from, time.Now().Add(roundTripTime / 2)}
	}
}

func (l *link) close() error {
	l.near.Close()
	l.work.Wait()
	return nil
}
