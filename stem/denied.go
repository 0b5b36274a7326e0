package stem

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/cell-mesh/cell/internal/address"
)

// denial is a peer that was denied a cell, for the owner to see.
type denial struct {
	peer  address.ID
	cell  address.Name
	times int
	last  time.Time
}

// denials holds the last denials. Strangers cause them, so they are limited in number, in
// number per peer, in age, and in how fast new ones are added.
type denials struct {
	mu      sync.Mutex
	kept    map[denialKey]*denial
	newOnes *rate.Limiter
}

type denialKey struct {
	peer address.ID
	cell address.Name
}

const (
	maxDenials       = 64
	maxPeerDenials   = 8
	keepDenials      = 24 * time.Hour
	denialsPerSecond = 8
)

func newDenials() *denials {
	return &denials{kept: map[denialKey]*denial{},
		newOnes: rate.NewLimiter(denialsPerSecond, maxDenials)}
}

func (d *denials) add(peer address.ID, cell address.Name, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := denialKey{peer, cell}
	if known := d.kept[key]; known != nil {
		known.times++
		known.last = now
		return
	}
	if !d.newOnes.AllowN(now, 1) {
		return
	}
	d.makeRoom(func(other *denial) bool { return other.peer == peer }, maxPeerDenials)
	d.makeRoom(func(*denial) bool { return true }, maxDenials)
	d.kept[key] = &denial{peer: peer, cell: cell, times: 1, last: now}
}

// makeRoom drops the oldest denial that matches if there are most of them or more.
func (d *denials) makeRoom(match func(*denial) bool, most int) {
	n := 0
	var oldest *denial
	for _, one := range d.kept {
		if !match(one) {
			continue
		}
		n++
		if oldest == nil || one.last.Before(oldest.last) {
			oldest = one
		}
	}
	if n >= most {
		delete(d.kept, denialKey{oldest.peer, oldest.cell})
	}
}

// recent returns the denials, latest first, and drops old ones.
func (d *denials) recent(now time.Time) (list []denial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, one := range d.kept {
		if now.Sub(one.last) > keepDenials {
			delete(d.kept, key)
			continue
		}
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b denial) int {
		return cmp.Or(b.last.Compare(a.last), cmp.Compare(a.peer.String(), b.peer.String()),
			cmp.Compare(a.cell.String(), b.cell.String()))
	})
	return list
}
