package peerconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-yamux/v5"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/node/maddrs"
)

// Error codes of a reset, by which the other end can tell the two apart. They are outside
// the range that libp2p reserves for itself.
const (
	codeStopped network.StreamErrorCode = 0xce11 // read enough; what was written stays valid
	codeAborted network.StreamErrorCode = 0xce12 // cut
)

// AnswerWait is how long a call waits for the first answer before the connection has to
// prove that it is alive.
const AnswerWait = 300 * time.Millisecond

// Stream is a libp2p stream as a pipe.Stream.
//
// QUIC can express all that a pipe.Stream has to say. Yamux, on TCP and relays, can end the
// written direction and reset everything, but it can't say that one reads no more: a reader
// that stops leaves the writer waiting for window forever. So CloseRead goes on reading
// and drops the data there. Once the written direction has ended too, a reset tells the
// writer. It follows our FIN, so the other end still reads everything that we wrote.
type Stream struct {
	raw   network.Stream
	on    *Conn
	quic  bool
	hello negotiation
	// answered stops the timer of AnswerWait; nil if we were called.
	answered func()

	reading chan struct{} // holds a token while someone reads
	stop    chan struct{} // closed by CloseRead: from then on the token is drain's

	mu       sync.Mutex // guards what follows; held while a FIN or a reset is queued
	sawEnd   bool       // Read has returned io.EOF
	ended    bool       // CloseWrite was called
	released bool
}

var (
	_ pipe.Stream  = (*Stream)(nil)
	_ pipe.Patient = (*Stream)(nil)
	_ pipe.Leaver  = (*Stream)(nil)
)

// Open begins a call. ctx does not cover the stream that it returns. The error is a
// pipe.ErrUnanswered if the connection turns out to be dead.
func (c *Conn) Open(ctx context.Context) (*Stream, error) {
	c.called.Store(true)
	raw, err := c.conn.NewStream(ctx)
	if err != nil {
		if ctx.Err() == nil && c.isGone() {
			err = fmt.Errorf("%w: %w", pipe.ErrUnanswered, err)
		}
		return nil, fmt.Errorf("open stream: %w", err)
	}
	if err := raw.SetProtocol(Protocol); err != nil {
		raw.Reset()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	s := newStream(raw, c, true)
	// The negotiation is sent with the first bytes, which saves a round trip but is risky
	// if the connection has died since its last use. So pay the round trip unless the
	// connection was heard from lately.
	if !c.HeardLately() {
		if err := s.prove(ctx); err != nil {
			s.Abort(err)
			return nil, err
		}
	}
	return s, nil
}

// Accept takes a call whose protocol libp2p has negotiated.
func (s *Set) Accept(raw network.Stream) *Stream {
	c := s.Of(raw.Conn())
	c.Hear()
	return newStream(raw, c, false)
}

// newStream wraps a stream. If calling, its protocol is yet to be negotiated.
func newStream(raw network.Stream, on *Conn, calling bool) *Stream {
	on.acquire()
	s := &Stream{
		raw:     raw,
		on:      on,
		quic:    raw.Conn().ConnState().StreamMultiplexer == "",
		reading: make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	if calling {
		s.hello.unsent, s.hello.unheard = greeting, greeting
		on.asking.Add(1)
		began := time.Now()
		late := time.AfterFunc(AnswerWait, func() {
			on.set.Suspect(raw.Conn().RemotePeer(), began)
		})
		s.answered = sync.OnceFunc(func() {
			late.Stop()
			on.asking.Add(-1)
		})
	}
	return s
}

// Protocol returns the protocol that the stream was opened with.
func (s *Stream) Protocol() string { return string(s.raw.Protocol()) }

// Route describes how the call travels: "direct quic", "direct tcp", or through a relay
// "relayed quic" or "relayed tcp", which is the transport to the relay. It is "relayed" if
// that is not known.
func (s *Stream) Route() string { return maddrs.Route(s.raw.Conn().RemoteMultiaddr()) }

// prove waits until the negotiation is over.
func (s *Stream) prove(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.raw.Reset() })
	err := s.handshake() // nobody else has the stream yet
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("open stream: %w", Cut(err))
	}
	return nil
}

// handshake waits until the other end has agreed to our protocol. There is no orderly end
// before that. The caller holds the token.
func (s *Stream) handshake() error {
	if s.hello.unheard == "" {
		return nil
	}
	err := s.hello.send(s.raw)
	if err == nil {
		err = s.hello.hear(s.raw)
	}
	if err == nil {
		s.answered()
		s.on.Hear()
		return nil
	}
	if s.on.isGone() {
		return fmt.Errorf("%w: %w", pipe.ErrUnanswered, err)
	}
	return err
}

func (s *Stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return s.reads(func() []byte { return b })
}

// ReadLate waits without a buffer on yamux, whose Read of zero bytes returns once there is
// data. Its result comes again with the next Read. QUIC has no such Read.
func (s *Stream) ReadLate(l *pipe.Loan) (int, error) {
	if s.quic {
		return s.Read(l.Take())
	}
	l.GiveBack()
	return s.reads(func() []byte {
		s.raw.Read(nil)
		l.Late()
		return l.Take()
	})
}

// reads reads once into the result of buffer, which may wait.
func (s *Stream) reads(buffer func() []byte) (int, error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-s.stop:
	}
	if s.isStopped() {
		return 0, pipe.ErrReadClosed
	}
	if err := s.handshake(); err != nil {
		return 0, s.readError(err)
	}
	// An error that comes with bytes comes again without them. On yamux we have to rely on
	// that: it reads, then sends a window update, and on a dead connection the latter can
	// fail with the io.EOF of the connection.
	n, err := s.raw.Read(buffer())
	if n > 0 {
		s.on.Hear()
		return n, nil
	}
	if err == io.EOF {
		s.mu.Lock()
		s.sawEnd = true
		s.mu.Unlock()
		return 0, io.EOF
	}
	if err != nil {
		return 0, s.readError(err)
	}
	return 0, nil
}

func (s *Stream) readError(err error) error {
	if s.isStopped() {
		return pipe.ErrReadClosed
	}
	return Cut(err)
}

func (s *Stream) Write(b []byte) (int, error) {
	n, err := s.hello.write(s.raw, b)
	s.on.sent.Add(int64(n))
	if err == nil {
		return n, nil
	}
	if reset, ok := errors.AsType[*network.StreamError](err); ok && reset.Remote {
		// STOP_SENDING arrives as a reset with the code 0; our own resets have a code.
		if reset.ErrorCode == codeStopped || s.quic && reset.ErrorCode == network.StreamNoError {
			return n, pipe.ErrStopped
		}
	}
	return n, Cut(err)
}

// SetDeadline bounds reads and writes.
func (s *Stream) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isStopped() {
		return s.raw.SetWriteDeadline(t) // drain reads, and without a deadline
	}
	return s.raw.SetDeadline(t)
}

var errLost = errors.New("the connection was lost")

// Cut translates the error of a libp2p stream that is not an orderly end, so that nobody
// takes it for one.
func Cut(err error) error {
	reset, ok := errors.AsType[*network.StreamError](err)
	remote := ok && reset.Remote
	switch {
	case remote && reset.ErrorCode == network.StreamResourceLimitExceeded:
		return wire.Refusal{Code: wire.Busy,
			Reason: "the peer takes no more calls from this machine"}
	case remote && reset.ErrorCode == codeAborted:
		return pipe.ErrAborted
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, yamux.ErrTimeout):
		return os.ErrDeadlineExceeded
	case errors.Is(err, io.EOF): // from a dead TCP connection
		return errLost
	default:
		return err
	}
}
