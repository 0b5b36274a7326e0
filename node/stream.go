package node

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

// Codes that a reset carries, so that the other end can tell the two apart. They are
// outside of what libp2p keeps for itself.
const (
	codeStopped network.StreamErrorCode = 0xce11 // read enough; what was written stays valid
	codeAborted network.StreamErrorCode = 0xce12 // cut
)

// stream is a libp2p stream as a pipe.Stream.
//
// QUIC says all that a pipe.Stream has to say. Yamux, on TCP and relays, can end what it
// writes and reset everything, but it can't say that it reads no more: a reader that
// stops leaves the writer waiting for window, for ever. Here CloseRead reads on and
// drops, and once the written direction has ended too, a reset tells the writer: it
// follows our FIN, so the other end still reads all that we wrote.
type stream struct {
	raw   network.Stream
	hello negotiation
	doubt *time.Timer // until the negotiation is answered; nil if we were called
	// answered ends that doubt; nil if we were called.
	answered func()
	on       *link
	quic     bool

	reading chan struct{} // holds a token while someone reads
	stop    chan struct{} // closed by CloseRead: the token is drain's from now on

	// guards what follows; held for as long as a FIN or a reset takes to be queued
	mu       sync.Mutex
	sawEnd   bool // Read has returned io.EOF
	ended    bool // CloseWrite was called
	released bool
}

var _ pipe.Stream = (*stream)(nil)

// Route describes how the call travels, as maddrs.Route does.
func (s *stream) Route() string { return maddrs.Route(s.raw.Conn().RemoteMultiaddr()) }

// newStream wraps a stream that was negotiated; calling says that it is still to be.
func newStream(raw network.Stream, on *link, calling bool) *stream {
	on.acquire()
	s := &stream{
		raw:     raw,
		on:      on,
		quic:    raw.Conn().ConnState().StreamMultiplexer == "",
		reading: make(chan struct{}, 1),
		stop:    make(chan struct{}),
	}
	if calling {
		s.hello.unsaid, s.hello.unheard = greeting, greeting
		on.asking.Add(1)
		s.answered = sync.OnceFunc(func() {
			s.doubt.Stop()
			on.asking.Add(-1)
		})
		began := time.Now()
		s.doubt = time.AfterFunc(doubtAfter, func() {
			on.node.doubtPeer(raw.Conn().RemotePeer(), began)
		})
	}
	return s
}

// handshake waits for the other end to agree to speak our protocol; only then can there
// be an orderly end. The caller holds the token.
func (s *stream) handshake() error {
	if s.hello.unheard == "" {
		return nil
	}
	err := s.hello.say(s.raw)
	if err == nil {
		err = s.hello.hear(s.raw)
	}
	if err == nil {
		s.answered()
		s.on.hear()
		return nil
	}
	if s.on.isGone() {
		return fmt.Errorf("%w: %w", pipe.ErrUnanswered, err)
	}
	return err
}

func (s *stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return s.reads(func() []byte { return b })
}

var _ pipe.Patient = (*stream)(nil)

// ReadLate waits without a buffer over yamux, whose Read into nothing returns when there
// is something. What that says Read says again. Over QUIC there is no telling.
func (s *stream) ReadLate(l *pipe.Loan) (int, error) {
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

// reads reads once, into what buffer returns, which may wait.
func (s *stream) reads(buffer func() []byte) (int, error) {
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
	// An error that comes along with bytes comes again without them. Yamux makes this
	// more than a habit: it reads, then sends a window update, and on a dead connection
	// that can fail with the io.EOF of the connection.
	n, err := s.raw.Read(buffer())
	if n > 0 {
		s.on.hear()
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

func (s *stream) readError(err error) error {
	if s.isStopped() {
		return pipe.ErrReadClosed
	}
	return cut(err)
}

func (s *stream) Write(b []byte) (int, error) {
	n, err := s.hello.write(s.raw, b)
	s.on.sent.Add(int64(n))
	if err == nil {
		return n, nil
	}
	var reset *network.StreamError
	if errors.As(err, &reset) && reset.Remote {
		// STOP_SENDING reaches us as a reset with the code 0; resets of ours have a code.
		if reset.ErrorCode == codeStopped || s.quic && reset.ErrorCode == network.StreamNoError {
			return n, pipe.ErrStopped
		}
	}
	return n, cut(err)
}

func (s *stream) CloseWrite() error {
	s.hello.say(s.raw) // should nothing have been written; an error comes again below
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.released {
		return nil
	}
	s.ended = true
	err := s.raw.CloseWrite()
	if s.isStopped() && !s.quic {
		s.raw.ResetWithError(codeStopped)
	}
	if err == nil {
		return nil
	}
	if s.isUnheard(err) {
		return pipe.ErrStopped
	}
	return cut(err)
}

// isUnheard says whether the written direction could not be ended since the other end
// takes no more. Yamux says so itself; quic-go says it to writers alone.
func (s *stream) isUnheard(err error) bool {
	var reset *yamux.StreamError
	if errors.As(err, &reset) {
		return reset.Remote && network.StreamErrorCode(reset.ErrorCode) == codeStopped
	}
	_, err = s.Write(nil)
	return err == pipe.ErrStopped
}

func (s *stream) CloseRead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isStopped() || s.released {
		return nil
	}
	close(s.stop)
	switch {
	case s.quic:
		return s.raw.CloseRead()
	case s.ended:
		return s.raw.ResetWithError(codeStopped)
	default:
		s.raw.SetReadDeadline(time.Unix(1, 0)) // wakes a Read that is waiting
		s.on.node.tasks.Go(s.drain)
		return nil
	}
}

// drain reads and drops, so that the other end is not held up, until it ends or the stream does.
func (s *stream) drain() {
	s.reading <- struct{}{}
	defer func() { <-s.reading }()
	s.raw.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, s.raw)
}

var _ pipe.Leaver = (*stream)(nil)

// Left asks from time to time whether the other end has stopped reading: quic-go tells it
// to writers alone. Over TCP there is no telling.
func (s *stream) Left(ctx context.Context) bool {
	if !s.quic {
		return false
	}
	again := time.NewTicker(pingEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-again.C:
		}
		if _, err := s.Write(nil); err != nil {
			return errors.Is(err, pipe.ErrStopped)
		}
	}
}

func (s *stream) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isStopped() {
		return s.raw.SetWriteDeadline(t) // reading is drain's, and has no deadline
	}
	return s.raw.SetDeadline(t)
}

func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.release() {
		return nil
	}
	switch {
	case !s.ended:
		return s.raw.ResetWithError(codeAborted)
	case s.sawEnd, s.quic:
		return s.raw.Close()
	default:
		return s.raw.ResetWithError(codeStopped)
	}
}

func (s *stream) Abort(error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release() {
		s.raw.ResetWithError(codeAborted)
	}
}

// release takes the stream off its connection and says whether it was the first to do so.
func (s *stream) release() bool {
	if s.released {
		return false
	}
	s.released = true
	if s.answered != nil { // or given up
		s.answered()
	}
	s.on.release()
	return true
}

func (s *stream) isStopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

var errLost = errors.New("the connection was lost")

// cut names an error that is not an orderly end, and makes sure that nobody takes it for one.
func cut(err error) error {
	var reset *network.StreamError
	switch {
	case errors.As(err, &reset) && reset.Remote &&
		reset.ErrorCode == network.StreamResourceLimitExceeded:
		return wire.Refusal{Code: wire.Busy, Reason: "the peer takes no more calls from this machine"}
	case errors.As(err, &reset) && reset.Remote && reset.ErrorCode == codeAborted:
		return pipe.ErrAborted
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, yamux.ErrTimeout):
		return os.ErrDeadlineExceeded
	case errors.Is(err, io.EOF): // what a dead TCP connection says
		return errLost
	default:
		return err
	}
}
