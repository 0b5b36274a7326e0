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
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/tasks"
	"github.com/cell-mesh/cell/stem/germinate"
	"github.com/cell-mesh/cell/stem/policy"
)

// Stem is the daemon of one home.
type Stem struct {
	Config
	calls   *localCalls
	denials *denials
	links   *links.Links
	callLog *callLog // nil if Hooks.Record was given
	since   time.Time
	tasks   *tasks.Group // the calls being served
}

// ErrRunning is returned by New and Claim when another stem uses the home.
var ErrRunning = errors.New("a stem already runs")

// New returns the stem of a home. It claims the home and reads its files; Run gives the claim
// back and must be called.
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
		cfg.Policy = policy.New(cfg.Home, cfg.Network.ID(), cfg.Log)
	}
	if cfg.Cells == nil {
		cfg.Cells = germinate.New(cfg.Home, cfg.Network.ID(), cfg.Wrapper, cfg.Log)
	}
	if cfg.Places == nil {
		cfg.Places = placesFile{cfg.Home}
	}
	s := &Stem{Config: cfg, calls: newLocalCalls(), denials: newDenials(), since: time.Now(),
		tasks: tasks.New()}
	s.links = links.New(cfg.Home, s.carry, cfg.Log)
	if cfg.Record == nil {
		s.callLog = newCallLog(cfg.Home.Calls())
		s.Record = s.callLog.add
	}
	return s, nil
}

// Claim keeps other stems out of the home until the lock is given back. It fails with
// ErrRunning.
func Claim(h home.Home) (*socket.Lock, error) {
	if err := h.Make(); err != nil {
		return nil, err
	}
	lock, err := socket.TryLock(h.StemLock())
	if errors.Is(err, socket.ErrLocked) {
		pid, _ := os.ReadFile(h.StemLock()) // its holder wrote it
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

// Run serves callers until ctx ends. Then it refuses new ones, lets calls go on for the grace
// period, cuts those that are left, closes the doors and returns nil. Cells keep running.
func (s *Stem) Run(ctx context.Context) error {
	defer s.Claim.Unlock()
	door := s.Door
	if door == nil {
		var err error
		if door, err = s.listenLocal(); err != nil {
			return err
		}
	}
	// Calls outlive ctx by the grace period. Their own context ends with the reason of the cut.
	calls, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Policy.Run(ctx) })
	group.Go(func() error { return s.Cells.Run(calls) })
	if s.hasLinks() {
		group.Go(func() error { return s.links.Run(calls) })
	}
	if s.callLog != nil {
		group.Go(func() error { return s.callLog.run(calls, s.Log) })
	}
	s.Network.Handle(func(_ context.Context, caller address.ID, stream pipe.Stream) {
		s.serveRemote(calls, caller, stream)
	})
	s.Network.HandleRaw(func(_ context.Context, caller address.ID, cell string,
		stream pipe.Stream) {
		s.serveRaw(calls, caller, cell, stream)
	})
	group.Go(func() error { return s.serveLocal(calls, door) })
	if s.hasLinks() {
		s.links.Reread(calls) // links must work when Ready is called
	}
	group.Go(func() error {
		<-ctx.Done()
		s.links.Close()
		s.drain(cut) // the door stays open: callers may ask how their calls ended
		return door.Close()
	})
	if s.Ready != nil {
		s.Ready()
	}
	return group.Wait()
}

// drain refuses new work and waits for the calls under way. After the grace period it cuts
// them. Within the same period local callers may ask how their calls ended.
func (s *Stem) drain(cut context.CancelCauseFunc) {
	s.calls.dropStale()
	s.tasks.End()
	grace, cancel := context.WithTimeout(context.Background(), s.Grace)
	defer cancel()
	defer context.AfterFunc(grace, func() { cut(errors.New("the stem was stopped")) })()
	s.tasks.Wait()
	s.calls.waitAsked(grace)
	cut(nil)
}

// Trusted lists the peers with a grant, by the rules in force.
func (s *Stem) Trusted() []address.ID {
	var trusted []address.ID
	for id, grant := range s.Policy.Rules().Grants {
		if !grant.Empty() {
			trusted = append(trusted, id)
		}
	}
	return trusted
}
