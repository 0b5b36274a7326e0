package cell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExchange(t *testing.T) {
	long := bytes.Repeat([]byte("question"), 1<<20)
	for name, tt := range map[string]struct {
		serve    func(ctx context.Context, conn io.ReadWriter) error
		question []byte
		want     string
		wantErr  string
	}{
		"all of it": {func(_ context.Context, conn io.ReadWriter) error {
			all, err := io.ReadAll(conn)
			conn.Write(bytes.ToUpper(all[:min(len(all), 8)]))
			return err
		}, long, "QUESTION", ""},
		"empty": {echo, nil, "", ""},
		"answered early": {func(_ context.Context, conn io.ReadWriter) error {
			_, err := io.WriteString(conn, "enough")
			return err
		}, long, "enough", ""},
		"endless": {func(_ context.Context, conn io.ReadWriter) error {
			io.Copy(io.Discard, conn)
			for {
				if _, err := conn.Write(long); err != nil {
					return err
				}
			}
		}, nil, "", "answer too long: more than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Cell{Serve: tt.serve}, time.Second)
			got, err := exchange(context.Background(), dial(t, s), tt.question)
			if string(got) != tt.want || (err != nil) != (tt.wantErr != "") ||
				err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("got %.80q, %v, want %q, %q", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestExchangeWithACellThatHangsUp(t *testing.T) {
	refuse := func(context.Context, io.ReadWriter) error { return errors.New("no") }
	s := start(t, Cell{Serve: refuse}, time.Second)
	if got, err := exchange(context.Background(), dial(t, s), make([]byte, 8<<20)); !hungUp(err) {
		t.Errorf("got %q, %v", got, err)
	}
}

// deaf is a cell that takes nothing, after it has said what it has to say.
type deaf struct {
	net.Conn
	io.Reader
}

func (d deaf) Read(p []byte) (int, error)  { return d.Reader.Read(p) }
func (d deaf) Write(p []byte) (int, error) { return 0, syscall.EPIPE }
func (d deaf) CloseWrite() error           { return syscall.EPIPE }
func (d deaf) Close() error                { return nil }

func TestExchangeWithACellThatTakesNothing(t *testing.T) {
	got, err := exchange(context.Background(), deaf{Reader: strings.NewReader("closed today")},
		[]byte("question"))
	if string(got) != "closed today" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	got, err = exchange(context.Background(), deaf{Reader: strings.NewReader("")},
		[]byte("question"))
	if len(got) > 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("from one without a word: %q, %v", got, err)
	}
}

func TestExchangeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := start(t, Cell{Serve: func(called context.Context, conn io.ReadWriter) error {
		cancel()
		<-called.Done() // never answers
		return nil
	}}, time.Millisecond)
	if _, err := exchange(ctx, dial(t, s), []byte("anybody there?")); !errors.Is(err,
		context.Canceled) {
		t.Errorf("exchange = %v", err)
	}
	s.stop()
}
