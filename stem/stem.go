package stem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/links"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/tasks"
)

// Network reaches the stems of other machines, and is where they call.
type Network interface {
	// ID is this machine's peer ID.
	ID() address.ID

	// Open connects to the stem of a peer, which may be at the places, besides where it
	// is found. ctx covers the call, and not the stream.
	Open(ctx context.Context, to address.ID, at ...address.Place) (pipe.Stream, error)

	// Whois tells which peer answers at a place.
	Whois(ctx context.Context, at address.Place) (address.ID, error)

	// Handle has serve called for each stream that another stem opens. serve owns the stream.
	Handle(serve func(ctx context.Context, caller address.ID, stream pipe.Stream))

	// HandleRaw has serve called for each stream that a program which is no stem opens to
	// a cell by its name, as it came. serve owns the stream.
	HandleRaw(serve func(ctx context.Context, caller address.ID, cell string, stream pipe.Stream))
}

// Cells are the cells of this machine.
type Cells interface {
	// Connect connects to a cell in the name of a caller, and starts it if it does not run.
	Connect(ctx context.Context, cell address.Name, caller Caller) (pipe.Stream, error)

	// Germinate sees to it that the cell answers at its socket.
	Germinate(ctx context.Context, cell address.Name, caller Caller) error

	// Cut has the call of a caller, by the name that a cell knows it by, count as cut
	// when the cell ends it. ok is false if there is none.
	Cut(caller string) (ok bool)

	// Running lists the cells that answer at their sockets.
	Running() []address.Name

	// Known lists the cells that run, and those that could be started. A name may be there twice.
	Known() []address.Name

	// Run does what Cells need done all the time, until ctx ends.
	Run(ctx context.Context) error
}

// Policy is who may reach what.
type Policy interface {
	// Rules returns those in force, at once and from memory.
	Rules() *Rules

	// Reread puts the rules in force that are written down now.
	Reread()

	// Join makes a peer of a caller who has proved an invite, and returns what it may
	// reach from now on. A wire.Refusal says what else has become of the invite.
	Join(ctx context.Context, joiner address.ID, proof string, now time.Time) (peers.Grant, error)

	// Run puts rules in force as they are written down, until ctx ends.
	Run(ctx context.Context) error
}

// Door is where the user of this machine calls.
type Door interface {
	// Accept waits for a caller, whose stream the stem owns. After Close it returns net.ErrClosed.
	Accept() (pipe.Stream, error)

	// Close ends Accept. Callers who have been let in are left alone.
	Close() error
}

// Config is what a Stem is made of.
type Config struct {
	// Home is where the stem lives. If it is the zero Home, all that would be in it has
	// to be given, and there are no links.
	Home home.Home
	// Version is that of the program, for its status. It may be empty.
	Version string
	// Claim is what Claim returned for the home. If nil, New claims it; the zero Lock
	// claims nothing.
	Claim   *socket.Lock
	Network Network
	// Cells are the cells of this machine. If nil, those of the home: sockets in run/,
	// executables in dna/.
	Cells Cells
	// Wrapper is the program that carries cells whose dna does not bind a socket itself:
	// it is executed as "cell run NAME". If empty, this program.
	Wrapper string
	// Policy is who may reach what. If nil, what the home's peers/ and dna/ say.
	Policy Policy
	// Door is where the user of this machine calls. If nil, the home's stem.sock.
	Door Door
	// Places remember who answered where. If nil, the home's places.toml does.
	Places Places
	// Record is given each call from or to another machine once it has ended, and does
	// not wait. If nil, calls are written to the home's log/calls.jsonl.
	Record func(Call)
	// Grace is how long calls may go on when Run is to end. If zero, 3 s.
	Grace time.Duration
	// Describe says more for `cell status`, as a value for JSON. It may be nil.
	Describe func() any
	// Tracer shows the way to a peer for `cell ping` and `cell find`. If nil, nobody does.
	Tracer Tracer
	// Ready is called once the doors are open. It may be nil.
	Ready func()
	// Log gets what the owner of the machine may want to know. If nil, nothing is kept.
	Log *slog.Logger
}

// Stem is the daemon of one home.
type Stem struct {
	Config
	calls  *calls
	knocks *knocks
	links  *links.Links
	audit  *audit // nil if calls are recorded elsewhere
	since  time.Time
	tasks  *tasks.Group // what serves a caller
}

// ErrRunning is returned by New when a stem already lives in the home.
var ErrRunning = errors.New("a stem already runs")

// New makes the stem of a home, which it reads but does not touch. One that has been made
// must be Run, which gives back the claim on the home.
func New(cfg Config) (*Stem, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Grace == 0 {
		cfg.Grace = 3 * time.Second
	}
	if cfg.Wrapper == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cfg.Wrapper = self
	}
	if cfg.Claim == nil {
		claim, err := Claim(cfg.Home)
		if err != nil {
			return nil, err
		}
		cfg.Claim = claim
	}
	if cfg.Policy == nil {
		cfg.Policy = newFiles(cfg.Home, cfg.Network.ID(), cfg.Log)
	}
	if cfg.Cells == nil {
		f := newFactory(cfg.Home, cfg.Network.ID(), cfg.Log)
		f.wrapper = cfg.Wrapper
		cfg.Cells = f
	}
	if cfg.Places == nil {
		cfg.Places = placesFile{cfg.Home}
	}
	s := &Stem{Config: cfg, calls: newCalls(), knocks: newKnocks(), since: time.Now(),
		tasks: tasks.New()}
	s.links = links.New(cfg.Home, s.carry, cfg.Log)
	if cfg.Record == nil {
		s.audit = newAudit(cfg.Home.Calls())
		s.Record = s.audit.record
	}
	return s, nil
}

// Claim makes sure that no other stem lives in the home, until the lock is given back. It
// fails with ErrRunning.
func Claim(h home.Home) (*socket.Lock, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	lock, err := socket.TryLock(h.StemLock())
	if errors.Is(err, socket.ErrLocked) {
		pid, _ := os.ReadFile(h.StemLock()) // whoever holds the lock wrote it
		return nil, fmt.Errorf("home %s: %w there, as process %s", h, ErrRunning, pid)
	}
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(h.StemLock(), fmt.Appendf(nil, "%d", os.Getpid()), 0o600); err != nil {
		lock.Unlock()
		return nil, err
	}
	return lock, nil
}

// Run serves callers until ctx ends. Then it refuses new ones, lets the calls under way
// go on for the grace period, cuts those that are left, closes the doors, and returns
// nil. Cells are left alone.
func (s *Stem) Run(ctx context.Context) error {
	defer s.Claim.Unlock()
	door := s.Door
	if door == nil {
		var err error
		if door, err = s.listenLocal(); err != nil {
			return err
		}
	}
	// Calls outlive ctx by the grace period; their own context ends with a reason for
	// those who are cut.
	calls, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Policy.Run(ctx) })
	group.Go(func() error { return s.Cells.Run(calls) })
	if s.hasLinks() {
		group.Go(func() error { return s.links.Run(calls) })
	}
	if s.audit != nil {
		group.Go(func() error { return s.audit.run(calls, s.Log) })
	}
	s.Network.Handle(func(_ context.Context, caller address.ID, stream pipe.Stream) {
		s.serveRemote(calls, caller, stream)
	})
	s.Network.HandleRaw(func(_ context.Context, caller address.ID, cell string, stream pipe.Stream) {
		s.serveRaw(calls, caller, cell, stream)
	})
	group.Go(func() error { return s.serveLocal(calls, door) })
	if s.hasLinks() {
		s.links.Reread(calls) // so that they are there when we say that we are
	}
	group.Go(func() error {
		<-ctx.Done()
		s.links.Close()
		s.drain(cut) // the door stays open for those who ask how their calls ended
		return door.Close()
	})
	if s.Ready != nil {
		s.Ready()
	}
	return group.Wait()
}

// drain lets no more work begin and waits for what is under way: for the grace period of
// its own accord, then by cutting it. Those local callers who may still ask how their
// calls ended have as long.
func (s *Stem) drain(cut context.CancelCauseFunc) {
	s.calls.close()
	s.tasks.End()
	patience, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	defer context.AfterFunc(patience, func() { cut(errors.New("the stem was stopped")) })()
	s.tasks.Wait()
	s.calls.allAsked(patience)
	cut(nil)
}
