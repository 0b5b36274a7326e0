package stem

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cell-mesh/cell/internal/address"
)

// Knock is a peer that was refused a cell, for the owner to see.
type Knock struct {
	Peer  address.ID
	Cell  address.Name
	Times int
	Last  time.Time
}

// knocks are the last who were refused. Strangers make them, so they are bounded: in
// number, in number for each peer, in how long they are kept, and in how fast new ones
// are taken.
type knocks struct {
	mu      sync.Mutex
	kept    map[knocker]*Knock
	newOnes *rate.Limiter
}

type knocker struct {
	peer address.ID
	cell address.Name
}

const (
	maxKnocks     = 64
	maxPeerKnocks = 8
	keepKnocks    = 24 * time.Hour
	knocksASecond = 8
)

func newKnocks() *knocks {
	return &knocks{kept: map[knocker]*Knock{}, newOnes: rate.NewLimiter(knocksASecond, maxKnocks)}
}

// add remembers that the peer was refused the cell.
func (k *knocks) add(peer address.ID, cell address.Name, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	who := knocker{peer, cell}
	if known := k.kept[who]; known != nil {
		known.Times++
		known.Last = now
		return
	}
	if !k.newOnes.AllowN(now, 1) {
		return
	}
	k.makeRoom(func(other *Knock) bool { return other.Peer == peer }, maxPeerKnocks)
	k.makeRoom(func(*Knock) bool { return true }, maxKnocks)
	k.kept[who] = &Knock{Peer: peer, Cell: cell, Times: 1, Last: now}
}

// makeRoom drops the oldest of those that match if there are as many as there may be.
func (k *knocks) makeRoom(match func(*Knock) bool, most int) {
	n := 0
	var oldest *Knock
	for _, knock := range k.kept {
		if !match(knock) {
			continue
		}
		n++
		if oldest == nil || knock.Last.Before(oldest.Last) {
			oldest = knock
		}
	}
	if n >= most {
		delete(k.kept, knocker{oldest.Peer, oldest.Cell})
	}
}

// recent lists those that are remembered, the latest first, and forgets the old.
func (k *knocks) recent(now time.Time) []Knock {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := []Knock{}
	for who, knock := range k.kept {
		if now.Sub(knock.Last) > keepKnocks {
			delete(k.kept, who)
			continue
		}
		list = append(list, *knock)
	}
	slices.SortFunc(list, func(a, b Knock) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Peer.String(), b.Peer.String()),
			cmp.Compare(a.Cell.String(), b.Cell.String()))
	})
	return list
}
