package peerconn

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-yamux/v5"

	"github.com/cell-mesh/cell/internal/pipe"
)

// CloseWrite ends the written direction.
func (s *Stream) CloseWrite() error {
	s.hello.send(s.raw) // in case nothing was written; an error comes again below
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
	return Cut(err)
}

// isUnheard reports whether CloseWrite failed because the other end reads no more. Yamux
// says so itself; quic-go only tells writers.
func (s *Stream) isUnheard(err error) bool {
	if reset, ok := errors.AsType[*yamux.StreamError](err); ok {
		return reset.Remote && network.StreamErrorCode(reset.ErrorCode) == codeStopped
	}
	_, err = s.Write(nil)
	return err == pipe.ErrStopped
}

// CloseRead ends the read direction.
func (s *Stream) CloseRead() error {
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
		s.on.set.tasks.Go(s.drain)
		return nil
	}
}

// drain reads and drops, so that the other end can go on writing, until one of the two ends.
func (s *Stream) drain() {
	s.reading <- struct{}{}
	defer func() { <-s.reading }()
	s.raw.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, s.raw)
}

// Left checks from time to time whether the other end has stopped reading, which quic-go
// only tells writers. On TCP it can't be known.
func (s *Stream) Left(ctx context.Context) bool {
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

// Close releases the stream and cuts what has not ended.
func (s *Stream) Close() error {
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

// Abort cuts both directions.
func (s *Stream) Abort(error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.release() {
		s.raw.ResetWithError(codeAborted)
	}
}

// release takes the stream off its connection. It reports whether this was the first time.
func (s *Stream) release() bool {
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

func (s *Stream) isStopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}
