package cell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

// listenUnix listens in a folder of its own whose path is short enough for a socket.
func listenUnix(t *testing.T) *net.UnixListener {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(hometest.Dir(t), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener.(*net.UnixListener)
}

func dial(t *testing.T, to net.Listener) *net.UnixConn {
	t.Helper()
	conn, err := net.Dial("unix", to.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn.(*net.UnixConn)
}

func echo(_ context.Context, conn io.ReadWriter) error {
	_, err := io.Copy(conn, conn)
	return err
}

// started is a cell at work; stop asks it to end, as a signal would, and done is closed
// when it has.
type started struct {
	net.Listener
	log  *safeBuffer
	stop func()
	done chan struct{}
}

func start(t *testing.T, c Cell, grace time.Duration) started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := started{listenUnix(t), new(safeBuffer), cancel, make(chan struct{})}
	go func() {
		defer close(s.done)
		server{Cell: c, log: log.New(s.log, "", 0), grace: grace,
			linger: 10 * time.Second}.serve(ctx, s.Listener)
	}()
	t.Cleanup(func() { cancel(); <-s.done })
	return s
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestRun(t *testing.T) {
	for name, tt := range map[string]struct {
		args       []string
		listenErr  error
		wantCode   int
		wantName   string
		wantStderr string
	}{
		"usual name":   {nil, nil, 0, "echo", ""},
		"given name":   {[]string{"--name", "echo2"}, nil, 0, "echo2", ""},
		"help":         {[]string{"--help"}, nil, 0, "", "-name"},
		"unknown flag": {[]string{"--nmae", "x"}, nil, 2, "", "nmae"},
		"argument":     {[]string{"x"}, nil, 2, "", `echo: error: "x" is one argument too many`},
		"taken":        {nil, errors.New("in use"), 1, "echo", "echo: error: in use\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // the signal has come before anybody called
			var stderr bytes.Buffer
			listenedAs := ""
			code := Cell{Name: "echo", Serve: echo}.run(ctx, tt.args, &stderr,
				func(name string) (net.Listener, error) {
					listenedAs = name
					return listenUnix(t), tt.listenErr
				})
			if code != tt.wantCode || listenedAs != tt.wantName {
				t.Errorf("exit code %d, listened as %q, want %d, %q", code, listenedAs, tt.wantCode,
					tt.wantName)
			}
			if got := stderr.String(); !strings.Contains(got, tt.wantStderr) ||
				(tt.wantStderr == "") != (got == "") {
				t.Errorf("stderr %q, want %q", got, tt.wantStderr)
			}
		})
	}
}

func TestEchoUntilEndOfWriting(t *testing.T) {
	s := start(t, Cell{Serve: echo}, time.Second)
	conn := dial(t, s)
	for _, word := range []string{"hello", "again"} {
		io.WriteString(conn, word)
		got := make([]byte, len(word))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != word {
			t.Fatalf("echo of %q is %q, %v", word, got, err)
		}
	}
	conn.CloseWrite()
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestStopLetsCallsFinish(t *testing.T) {
	s := start(t, Cell{Serve: echo}, time.Minute)
	conn := dial(t, s)
	roundTrip(t, conn)
	s.stop()
	waitUntilRefused(t, s)
	roundTrip(t, conn)
	select {
	case <-s.done:
		t.Fatal("ended before its call did")
	default:
	}
	conn.Close()
	<-s.done
}

func TestStopCutsCallsAfterTheGrace(t *testing.T) {
	s := start(t, Cell{Serve: func(ctx context.Context, conn io.ReadWriter) error {
		echo(ctx, conn)
		if ctx.Err() == nil {
			t.Error("the call was cut, and its ctx goes on")
		}
		return nil
	}}, 20*time.Millisecond)
	conn := dial(t, s)
	roundTrip(t, conn)
	s.stop()
	if got, err := io.ReadAll(conn); len(got) > 0 {
		t.Errorf("read %q, %v", got, err)
	}
	<-s.done
}

func TestAtOnceMakesOthersWait(t *testing.T) {
	s := start(t, Cell{Serve: echo, AtOnce: 2}, time.Second)
	first, second, third := dial(t, s), dial(t, s), dial(t, s)
	roundTrip(t, first)
	roundTrip(t, second)
	io.WriteString(third, "x")
	third.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := third.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a third of two calls at once: %v", err)
	}
	first.Close()
	third.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := third.Read(make([]byte, 1)); err != nil {
		t.Errorf("a place is free, and the third call: %v", err)
	}
}

func TestTimeIsUp(t *testing.T) {
	s := start(t, Cell{Time: 30 * time.Millisecond,
		Serve: func(ctx context.Context, conn io.ReadWriter) error {
			if _, err := io.ReadAll(conn); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("reading ended with %v", err)
			}
			<-ctx.Done()
			_, err := io.WriteString(conn, "too late")
			return err
		}}, time.Minute)
	conn := dial(t, s)
	if got, err := io.ReadAll(conn); string(got) != "too late" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// A cell that has heard enough answers; the caller, who is still talking, gets to read it.
func TestAnswerBeforeTheEndOfTheQuestion(t *testing.T) {
	s := start(t, Cell{Serve: func(_ context.Context, conn io.ReadWriter) error {
		_, err := io.WriteString(conn, "too long")
		return err
	}}, time.Second)
	conn := dial(t, s)
	if n, err := conn.Write(make([]byte, 8<<20)); err != nil {
		t.Errorf("wrote %d bytes: %v", n, err)
	}
	conn.CloseWrite()
	if got, err := io.ReadAll(conn); string(got) != "too long" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// The answer ends with Serve, whether or not the caller has ended; and the caller isn't hurried.
func TestTheAnswerEndsFirst(t *testing.T) {
	s := start(t, Cell{Serve: func(context.Context, io.ReadWriter) error { return nil }},
		time.Second)
	conn := dial(t, s)
	if got, err := io.ReadAll(conn); len(got) > 0 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := io.WriteString(conn, "by the way"); err != nil {
		t.Errorf("write after the answer: %v", err)
	}
}

func TestAFailedCallIsLogged(t *testing.T) {
	s := start(t, Cell{Serve: func(_ context.Context, conn io.ReadWriter) error {
		return errors.New("out of ink")
	}}, time.Second)
	if _, err := io.ReadAll(dial(t, s)); err != nil {
		t.Error(err)
	}
	s.stop()
	<-s.done
	if got := s.log.String(); got != "out of ink\n" {
		t.Errorf("log %q", got)
	}
}

// brokenOnce fails the first Accept, as a process without free file descriptors does.
type brokenOnce struct {
	net.Listener
	once sync.Once
}

func (b *brokenOnce) Accept() (conn net.Conn, err error) {
	b.once.Do(func() { err = errors.New("too many open files") })
	if err != nil {
		return nil, err
	}
	return b.Listener.Accept()
}

func TestAcceptFailsForAWhile(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	listener := &brokenOnce{Listener: listenUnix(t)}
	done := make(chan struct{})
	var logged safeBuffer
	go func() {
		defer close(done)
		server{Cell: Cell{Serve: echo, AtOnce: 1}, log: log.New(&logged, "", 0)}.serve(ctx,
			listener)
	}()
	roundTrip(t, dial(t, listener))
	if got := logged.String(); got != "too many open files\n" {
		t.Errorf("log %q", got)
	}
	cancel()
	<-done
}

func roundTrip(t *testing.T, conn net.Conn) {
	t.Helper()
	io.WriteString(conn, "x")
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// waitUntilRefused returns when the listener no longer answers.
func waitUntilRefused(t *testing.T, l net.Listener) {
	t.Helper()
	for range 2000 {
		conn, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			return
		}
		conn.Close()
		time.Sleep(time.Millisecond)
	}
	t.Fatal("still listening")
}
