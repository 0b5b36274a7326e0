package stem

import (
	"context"
	"fmt"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/links"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/wire"
)

// carry makes a call from a connection to a linked socket or port. It is a call of this
// machine's user like any other, without a verdict: if it is refused or cut, the connection is
// closed. The error says why it was refused.
func (s *Stem) carry(ctx context.Context, stream pipe.Stream, to address.Address) error {
	if !s.tasks.Begin() {
		stream.Abort(errClosing)
		return errClosing
	}
	defer s.tasks.Done()
	return s.joinRaw(ctx, stream, call{began: time.Now(), Address: to})
}

// hasLinks reports whether there may be links: they are in the home.
func (s *Stem) hasLinks() bool { return s.Home != (home.Home{}) }

// link forwards a socket or port of this machine to a cell. It returns a line with its path or
// address.
func (s *Stem) link(ctx context.Context, req wire.Request) ([]byte, error) {
	bad := func(reason string) ([]byte, error) {
		return nil, wire.Refusal{Code: wire.Bad, Reason: reason}
	}
	if !s.hasLinks() {
		return bad("this stem has no home, which links need")
	}
	to, at, err := parseLink(req)
	if err != nil {
		return bad(err.Error())
	}
	id, _ := to.Peer.ID()
	if name, ok := to.Peer.Petname(); ok {
		if id, err = petnamed(s.Policy.Rules(), name); err != nil {
			return nil, err
		}
	}
	if id == s.Network.ID() && at.IsLink() {
		return bad(fmt.Sprintf("%s is a cell of this machine and already has a socket", to.Cell))
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

// unlink undoes link.
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

// LinkStatus is one link or forward in `cell status`.
type LinkStatus struct {
	// Listen is IP:PORT or the full path of a socket.
	Listen string `json:"listen"`
	To     string `json:"to"`
	// Kept says whether the next stem serves it too.
	Kept bool `json:"kept"`
	// Calls is the number of calls under way.
	Calls int `json:"calls"`
	// Refused is the number of refused calls. Last and Reason are the last one's time and cause.
	Refused int        `json:"refused,omitempty"`
	Last    *time.Time `json:"last,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

func (s *Stem) linkStatus() []LinkStatus {
	list := []LinkStatus{}
	for _, link := range s.links.List() {
		_, at, _ := link.Listen.In(s.Home) // cannot fail: it is served there
		status := LinkStatus{Listen: at, To: link.To.String(), Kept: link.Kept, Calls: link.Calls,
			Refused: link.Refused, Reason: link.Reason}
		if link.Refused > 0 {
			status.Last = &link.Last
		}
		list = append(list, status)
	}
	return list
}
