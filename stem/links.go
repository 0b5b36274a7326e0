package stem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/links"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// carry makes a call of a connection to a link: one of the user of this machine, like any
// other. No verdict is written; the connection is closed if it is refused, or cut. The
// error says why it was refused.
func (s *Stem) carry(ctx context.Context, stream pipe.Stream, to address.Address) error {
	if !s.tasks.Begin() {
		stream.Abort(errClosing)
		return errClosing
	}
	defer s.tasks.Done()
	began, caller, w := time.Now(), Caller{}, wanted{Address: to}
	far, err := s.reach(ctx, caller, &w, nil)
	if err != nil {
		refusal := wire.Refusal{Code: wire.Failed, Reason: err.Error()}
		errors.As(err, &refusal)
		stream.Abort(refusal)
		s.refused(caller, w, stream, refusal, began)
		return refusal
	}
	stream.SetDeadline(deadlineOf(w))
	s.ended(caller, w, routeOf(far), pipe.Join(ctx, stream, far), began)
	return nil
}

// hasLinks says whether there may be any: they lie in the home.
func (s *Stem) hasLinks() bool { return s.Home != (home.Home{}) }

// link has a socket or port of this machine lead to a cell, and returns a line that says
// where it is.
func (s *Stem) link(ctx context.Context, req wire.Request) ([]byte, error) {
	if !s.hasLinks() {
		return nil, wire.Refusal{Code: wire.Bad, Reason: "this stem has no home, where links are"}
	}
	to, at, err := parseLink(req)
	if err != nil {
		return nil, wire.Refusal{Code: wire.Bad, Reason: err.Error()}
	}
	id, _ := to.Peer.ID()
	if name, ok := to.Peer.Petname(); ok {
		if id, ok = s.Policy.Rules().Petnames[name]; !ok {
			return nil, wire.Refusal{Code: wire.Unreachable,
				Reason: "no peer is called " + name.String()}
		}
	}
	if id == s.Network.ID() && at.IsLink() {
		return nil, wire.Refusal{Code: wire.Bad,
			Reason: fmt.Sprintf("%s is a cell of this machine, and has a socket already", to.Cell)}
	}
	if at, err = s.links.Add(ctx, at, to); err != nil {
		return nil, err
	}
	_, where, err := at.In(s.Home)
	return []byte(where + "\n"), err
}

func parseLink(req wire.Request) (to address.Address, at links.Listen, err error) {
	if to, err = address.Parse(req.Object); err != nil {
		return to, at, err
	}
	if text := req.Pairs.Get("at"); text != "" {
		at, err = links.ParseListen(text)
		return to, at, err
	}
	at, err = links.Link(to)
	return to, at, err
}

// unlink takes link back.
func (s *Stem) unlink(req wire.Request) error {
	at, err := links.ParseListen(req.Object)
	if err != nil {
		return wire.Refusal{Code: wire.Bad, Reason: err.Error()}
	}
	if err := s.links.Remove(at); err != nil {
		return wire.Refusal{Code: wire.NotFound, Reason: err.Error()}
	}
	return nil
}

// LinkStatus is one link or forward.
type LinkStatus struct {
	// Listen is IP:PORT or the whole path of a socket.
	Listen string `json:"listen"`
	To     string `json:"to"`
	// Kept says whether the next stem will serve it, too.
	Kept bool `json:"kept"`
	// Calls are under way.
	Calls int `json:"calls"`
	// Refused is how many calls were refused, and Last when and why the last of them was.
	Refused int        `json:"refused,omitempty"`
	Last    *time.Time `json:"last,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

func (s *Stem) linkStatus() []LinkStatus {
	list := []LinkStatus{}
	for _, link := range s.links.List() {
		_, at, _ := link.Listen.In(s.Home) // it is served there
		status := LinkStatus{Listen: at, To: link.To.String(), Kept: link.Kept, Calls: link.Calls,
			Refused: link.Refused, Reason: link.Reason}
		if link.Refused > 0 {
			status.Last = &link.Last
		}
		list = append(list, status)
	}
	return list
}
