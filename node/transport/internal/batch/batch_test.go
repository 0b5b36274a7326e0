package batch

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns a Conn on a socket and its other end. A SOCK_SEQPACKET keeps writes apart.
func pair(t testing.TB, kind int) (*Conn, net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "socketpair")
		ends[i], err = net.FileConn(file) // a copy
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ends[i].Close() })
	}
	return New(ends[0]), ends[1]
}

// came returns the lengths of the writes that have arrived, and their bytes.
func came(t *testing.T, far net.Conn) (lengths []int, all []byte) {
	t.Helper()
	raw, err := far.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4*Room)
	for {
		// What was written to such a socket has arrived, so there is nothing to wait for.
		var n int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, _, failed = syscall.Recvfrom(int(fd), buf, syscall.MSG_DONTWAIT)
			return true
		})
		if errors.Is(failed, syscall.EAGAIN) {
			return lengths, all
		}
		if err := errors.Join(err, failed); err != nil {
			t.Fatal(err)
		}
		lengths, all = append(lengths, n), append(all, buf[:n]...)
	}
}

func wantCame(t *testing.T, far net.Conn, want ...int) []byte {
	t.Helper()
	got, all := came(t, far)
	if len(got) != len(want) {
		t.Fatalf("writes of %v bytes came, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("writes of %v bytes came, want %v", got, want)
		}
	}
	return all
}

func TestBatch(t *testing.T) {
	c, far := pair(t, syscall.SOCK_SEQPACKET)
	write := func(text string) {
		t.Helper()
		if n, err := io.WriteString(c, text); n != len(text) || err != nil {
			t.Fatal(n, err)
		}
	}
	send := func() {
		t.Helper()
		if err := c.Send(); err != nil || c.held != nil {
			t.Fatalf("send: %v; held is %v", err, c.held)
		}
	}
	write("at once")
	wantCame(t, far, 7)
	c.Begin()
	write("one")
	write("")
	write("two")
	wantCame(t, far)
	send()
	if all := wantCame(t, far, 6); string(all) != "onetwo" {
		t.Errorf("%q came", all)
	}
	write("at once")
	wantCame(t, far, 7)
	c.Begin()
	send()
	wantCame(t, far)

	// four TLS records fit into a batch; more is sent in pieces, in order
	record := make([]byte, 16<<10+22)
	c.Begin()
	for range 5 {
		c.Write(record)
	}
	wantCame(t, far, 4*len(record))
	c.Write(make([]byte, Room+1))
	wantCame(t, far, len(record), Room+1)
	write("x")
	send()
	wantCame(t, far, 1)
}

// Nothing is sent after a write has failed.
func TestFailureStays(t *testing.T) {
	c, far := pair(t, syscall.SOCK_STREAM)
	c.Begin()
	io.WriteString(c, "a")
	c.SetWriteDeadline(time.Unix(1, 0))
	failed := c.Send()
	if !os.IsTimeout(failed) {
		t.Fatalf("send after the deadline: %v", failed)
	}
	c.SetWriteDeadline(time.Time{})
	if n, err := io.WriteString(c, "b"); n != 0 || err != failed {
		t.Errorf("write after that: %d, %v", n, err)
	}
	c.Begin()
	if _, err := io.WriteString(c, "c"); err != failed {
		t.Errorf("write after that into a batch: %v", err)
	}
	if err := c.Send(); err != failed || c.held != nil {
		t.Errorf("send after that: %v; held is %v", err, c.held)
	}
	if _, all := came(t, far); len(all) != 0 {
		t.Errorf("%q came", all)
	}
}

// Others write while batches are made. Each write stays whole, and none is lost or waits
// for the next batch.
func TestWritersAtOnce(t *testing.T) {
	const writers, each = 8, 500
	c, far := pair(t, syscall.SOCK_STREAM)
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			for range each {
				c.Write(bytes.Repeat([]byte{byte(i)}, 100))
			}
		})
	}
	stop := make(chan struct{})
	var batching sync.WaitGroup
	batching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.Begin()
				c.Write(bytes.Repeat([]byte{writers}, 100))
				c.Send()
			}
		}
	})
	far.SetReadDeadline(time.Now().Add(time.Minute))
	buf := make([]byte, 100)
	for seen := 0; seen < writers*each; {
		if _, err := io.ReadFull(far, buf); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(buf, buf[:1]) != len(buf) {
			t.Fatalf("a write was torn: % x", buf)
		}
		if buf[0] < writers {
			seen++
		}
	}
	close(stop)
	work.Wait()
	far.Close() // a write may wait for room
	batching.Wait()
}

// Bytes arrive in the order in which they were written, in batches or not.
func FuzzOrder(f *testing.F) {
	f.Add([]byte{1, 0, 200, 0, 7})
	f.Add([]byte{255, 255, 255, 255, 255, 0, 255})
	f.Fuzz(func(t *testing.T, steps []byte) {
		steps = steps[:min(len(steps), 100)] // some MB; more takes seconds under load
		c, far := pair(t, syscall.SOCK_STREAM)
		got := make(chan []byte, 1)
		go func() {
			all, _ := io.ReadAll(far)
			got <- all
		}()
		var want []byte
		for i, step := range steps {
			if step == 0 { // begin, or send
				if c.held == nil {
					c.Begin()
				} else if err := c.Send(); err != nil {
					t.Fatal(err)
				}
				continue
			}
			p := bytes.Repeat([]byte{byte(i)}, int(step)*int(step)*2)
			want = append(want, p...)
			if n, err := c.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		}
		if c.held != nil {
			c.Send()
		}
		c.Close()
		if all := <-got; !bytes.Equal(all, want) {
			t.Errorf("%d bytes came that are not the %d that were written", len(all), len(want))
		}
	})
}
