package pipe_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
)

var tcp = transport{"tcp", func(t *testing.T) (far, near pipe.Stream) { return tcpPair(t) }}

func tcpPair(t *testing.T) (a, b pipe.Stream) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]pipe.Stream
	for i, conn := range []net.Conn{dialled, accepted} {
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(patience))
		ends[i] = pipe.Conn(conn)
	}
	return ends[0], ends[1]
}

// A reset is a cut to whoever reads it, in the middle of a text or before it.
func TestTCPAbortIsNoEnd(t *testing.T) {
	for _, text := range []string{"", "half"} {
		a, b := tcpPair(t)
		write(t, b, text)
		wantNext(t, a, text)
		b.Abort(errors.New("gone"))
		if got, err := io.ReadAll(a); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after %q: read %q, %v", text, got, err)
		}
	}
}

// The kernel may tell the reset to the writer instead, and then only an end to the
// reader, who must not take it for one.
func TestTCPResetSeenByTheWriter(t *testing.T) {
	for range 50 {
		a, b := tcpPair(t)
		read := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(a)
			read <- err
		}()
		write(t, a, "unread")
		b.Abort(errors.New("gone"))
		if err := flood(a); !errors.Is(err, pipe.ErrStopped) {
			t.Errorf("writes until %v, want ErrStopped", err)
		}
		if err := <-read; !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("the reader is told %v", err)
		}
	}
}

// Who has ended in order, and then takes no more, has ended in order all the same.
func TestTCPEndBeforeReset(t *testing.T) {
	a, b := tcpPair(t)
	write(t, b, "answer")
	closeWrite(t, b)
	b.Abort(errors.New("enough"))
	if err := flood(a); !errors.Is(err, pipe.ErrStopped) {
		t.Errorf("writes until %v, want ErrStopped", err)
	}
	wantAll(t, a, "answer")
	if err := errors.Join(a.CloseWrite(), a.CloseRead(), a.Close()); err != nil {
		t.Errorf("ending what has ended: %v", err)
	}
}

// A Read that waits ends when no more is to be read, and what comes then is dropped for
// as long as it comes.
func TestTCPCloseRead(t *testing.T) {
	a, b := tcpPair(t)
	read := make(chan error, 1)
	go func() {
		_, err := a.Read(make([]byte, 1))
		read <- err
	}()
	if err := errors.Join(a.CloseRead(), a.CloseRead()); err != nil {
		t.Error(err)
	}
	if err := <-read; err != io.EOF {
		t.Errorf("read: %v", err)
	}
	write(t, b, strings.Repeat("unread", 2<<20))
	write(t, a, "still here")
	wantNext(t, b, "still here")
	closeWrite(t, a)
	closeWrite(t, b)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	wantAll(t, b, "")
}

// A caller that says all it has to say before it reads is answered, though the cell has
// heard none of it and has gone.
func TestTCPAnswerInSpiteOfInput(t *testing.T) {
	answer := strings.Repeat("answer", 20_000)
	c := join(t, tcp, unix)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		write(t, c.cell, answer)
		c.cell.Close()
	}()
	write(t, c.caller, strings.Repeat("question", 4<<20))
	closeWrite(t, c.caller)
	wantAll(t, c.caller, answer)
	<-answered
	if got := <-c.ended; got.Err != nil || got.Back != int64(len(answer)) {
		t.Errorf("report is %+v", got)
	}
}

// A cut crosses a Join both ways, from a network's stream to a TCP connection and back.
func TestTCPCutCrossesJoin(t *testing.T) {
	c := join(t, tcp, memory)
	write(t, c.cell, "half")
	wantNext(t, c.caller, "half")
	c.cell.Abort(errors.New("gone"))
	if _, err := io.ReadAll(c.caller); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the caller reads %v, want a reset", err)
	}
	if got := <-c.ended; got.Err == nil {
		t.Error("the report tells of no cut")
	}
	c = join(t, tcp, memory)
	c.caller.Abort(errors.New("gone"))
	if _, err := io.ReadAll(c.cell); err == nil {
		t.Error("the cell reads an end")
	}
	if got := <-c.ended; got.Err == nil {
		t.Error("the report tells of no cut")
	}
}
