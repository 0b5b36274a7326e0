package discovery

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multihash"
)

// In a private mesh each member keeps a record in the DHT: its addresses, signed with its
// key. Its neighbours in the mesh hold the record whether or not they are in touch with
// it, so it is found even when those that were connected to it have gone. The record is
// libp2p's signed peer record under a name of our own, so that one that was meant for a
// neighbour is not taken for one that was published. Its sequence number is the time it
// was made, in ns since 1970 (see nextSeq): the newest counts, and an old one counts no
// more.
const (
	// maxRecord and maxRecordAddrs bound a record, in bytes and addresses.
	maxRecord      = 2 << 10
	maxRecordAddrs = 16
	// maxAge is how long a record counts.
	maxAge = 24 * time.Hour
	// maxAhead is how far the clock of a record's maker may be ahead of ours.
	maxAhead = time.Hour
)

// published is what a record says.
type published struct{ peer.PeerRecord }

// Domain keeps the signature apart from those of libp2p's own records.
func (*published) Domain() string { return "cell-peer-record" }

// recordKey is the ID's bytes. So a record lies with those near its peer, whom the peer
// is connected to already, and one search leads to both.
func recordKey(id peer.ID) string { return string(id) }

// beacon is what a peer provides in the public mesh, where there are no records of ours.
// Servers keep who provides a key, and at which addresses, for a day. They are others
// than those near the peer's ID.
func beacon(id peer.ID) cid.Cid {
	hash, err := multihash.Sum([]byte("/cell/"+id.String()), multihash.SHA2_256, -1)
	if err != nil {
		panic(err) // SHA-256 is always there
	}
	return cid.NewCidV1(cid.Raw, hash)
}

// nextSeq is the number of a record that is made now: the time, or the one after that of
// the last record, if the clock was set back since. Else nobody who keeps that one would
// take a new one until the clock is where it was. A record that came from further ahead
// than maxAhead has never counted. (peer.TimestampSeq has one last number for all of the
// process, in which others may have clocks of their own.)
func nextSeq(last uint64, now time.Time) uint64 {
	seq := uint64(now.UnixNano())
	if last >= seq && last-seq < uint64(maxAhead) {
		return last + 1
	}
	return seq
}

// sealRecord signs a record of the addresses, or of the best if they are too many.
func sealRecord(key crypto.PrivKey, id peer.ID, addrs []ma.Multiaddr, seq uint64) ([]byte, error) {
	for n := min(len(addrs), maxRecordAddrs); n > 0; n-- {
		says := &published{peer.PeerRecord{PeerID: id, Addrs: addrs[:n], Seq: seq}}
		sealed, err := record.Seal(says, key)
		if err != nil {
			return nil, err
		}
		value, err := sealed.Marshal()
		if err != nil || len(value) <= maxRecord {
			return value, err
		}
	}
	return nil, errors.New("no address fits in a record")
}

// openRecord returns what the value says, if the peer of the key has signed it, however
// old it may be.
func openRecord(key string, value []byte) (*published, error) {
	id, err := peer.IDFromBytes([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("record key %.80q: is no peer's", key)
	}
	if len(value) > maxRecord {
		return nil, fmt.Errorf("record of %s: %d bytes are more than %d", id, len(value), maxRecord)
	}
	says := &published{}
	sealed, err := record.ConsumeTypedEnvelope(value, says)
	if err != nil {
		return nil, fmt.Errorf("record of %s: %w", id, err)
	}
	if !id.MatchesPublicKey(sealed.PublicKey) || says.PeerID != id {
		return nil, fmt.Errorf("record of %s: is somebody else's", id)
	}
	if len(says.Addrs) == 0 || len(says.Addrs) > maxRecordAddrs {
		return nil, fmt.Errorf("record of %s: has %d addresses, and not 1 to %d", id,
			len(says.Addrs), maxRecordAddrs)
	}
	return says, nil
}

// made is the time a record gives.
func (p *published) made() time.Time { return time.Unix(0, int64(min(p.Seq, math.MaxInt64))) }

// records is what the DHT asks about a record before it stores, passes on, or believes it.
type records struct{}

// Validate says whether the value may be the record of the key's peer now.
func (records) Validate(key string, value []byte) error {
	says, err := openRecord(key, value)
	if err != nil {
		return err
	}
	switch age := time.Since(says.made()); {
	case age > maxAge:
		return fmt.Errorf("record of %s: was made %v ago, and counts for %v", says.PeerID,
			age.Round(time.Minute), maxAge)
	case age < -maxAhead:
		return fmt.Errorf("record of %s: was made in %v from now", says.PeerID,
			-age.Round(time.Minute))
	}
	return nil
}

// Select returns the index of the newest record.
func (records) Select(key string, values [][]byte) (int, error) {
	best, newest := -1, uint64(0)
	for i, value := range values {
		if says, err := openRecord(key, value); err == nil && (best < 0 || says.Seq > newest) {
			best, newest = i, says.Seq
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("none of %d records of %s can be read", len(values), peer.ID(key))
	}
	return best, nil
}

// worthTelling are our addresses as others should hear of them, the most useful first.
// Loopback is told only where there is nothing else: such a mesh lives on one machine.
func worthTelling(addrs []ma.Multiaddr) []ma.Multiaddr {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		return manet.IsIPUnspecified(a) || manet.IsIP6LinkLocal(a)
	})
	if slices.ContainsFunc(addrs, isBeyondLoopback) {
		addrs = slices.DeleteFunc(addrs, manet.IsIPLoopback)
	}
	slices.SortFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Compare(b))
	})
	return slices.CompactFunc(addrs, ma.Multiaddr.Equal)
}

func isBeyondLoopback(a ma.Multiaddr) bool { return !manet.IsIPLoopback(a) }

// rank is the lower the more peers can use an address. A relay's counts as much as a
// public one: who has relays has them for a reason.
func rank(a ma.Multiaddr) int {
	if isRelayed(a) || manet.IsPublicAddr(a) {
		return 0
	}
	return 1
}

// isForAll says whether an address is for all, since there is nobody without IPv4: a
// relay's, or a public one.
func isForAll(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_IP4)
	return isRelayed(a) || err == nil && manet.IsPublicAddr(a)
}
