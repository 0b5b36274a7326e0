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

// In a private mesh each member publishes a record: its addresses, signed with its key.
// The closest members keep it even while they are not connected to the peer, so the peer
// is found after those that were connected to it have gone.
const (
	// maxRecord and maxRecordAddrs bound a record, in bytes and addresses.
	maxRecord      = 2 << 10
	maxRecordAddrs = 16
	// maxRecordAge is how long a record is valid.
	maxRecordAge = 24 * time.Hour
	// maxClockSkew is how far the clock of a record's author may be ahead of ours.
	maxClockSkew = time.Hour
)

// publishedRecord is libp2p's signed peer record under a domain of our own, so that a
// record made for a neighbour can't be taken for a published one. Its sequence number is
// the time when it was made, in ns since 1970; the newest counts.
type publishedRecord struct{ peer.PeerRecord }

// Domain separates the signature from those of libp2p's own records.
func (*publishedRecord) Domain() string { return "cell-peer-record" }

// recordKey is the ID's bytes. So the members that keep the record are the closest to the
// peer, which are connected to it anyway, and one search leads to both.
func recordKey(id peer.ID) string { return string(id) }

// providerKey is what a peer provides in the public mesh, which stores no records of
// ours. Servers keep for a day who provides a key, and where. They are not the members
// closest to the peer's ID.
func providerKey(id peer.ID) cid.Cid {
	hash, err := multihash.Sum([]byte("/cell/"+id.String()), multihash.SHA2_256, -1)
	if err != nil {
		panic(err) // SHA-256 is always there
	}
	return cid.NewCidV1(cid.Raw, hash)
}

// nextSeq returns the number of a record made now: the time, or last+1 if the clock was
// set back. Otherwise members that keep the last record would refuse new ones until the
// clock has caught up. A record from further ahead than maxClockSkew was never valid.
// (peer.TimestampSeq keeps one last number for the whole process, in which a simulation
// runs several clocks.)
func nextSeq(last uint64, now time.Time) uint64 {
	seq := uint64(now.UnixNano())
	if last >= seq && last-seq < uint64(maxClockSkew) {
		return last + 1
	}
	return seq
}

// sealRecord signs a record of the addresses, or of the first ones that fit.
func sealRecord(key crypto.PrivKey, id peer.ID, addrs []ma.Multiaddr, seq uint64) ([]byte, error) {
	for n := min(len(addrs), maxRecordAddrs); n > 0; n-- {
		rec := &publishedRecord{peer.PeerRecord{PeerID: id, Addrs: addrs[:n], Seq: seq}}
		sealed, err := record.Seal(rec, key)
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

// openRecord returns the record if the peer of the key has signed it, whatever its age.
func openRecord(key string, value []byte) (*publishedRecord, error) {
	id, err := peer.IDFromBytes([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("record key %.80q: is not a peer ID", key)
	}
	if len(value) > maxRecord {
		return nil, fmt.Errorf("record of %s: %d bytes are more than %d", id, len(value), maxRecord)
	}
	rec := &publishedRecord{}
	sealed, err := record.ConsumeTypedEnvelope(value, rec)
	if err != nil {
		return nil, fmt.Errorf("record of %s: %w", id, err)
	}
	if !id.MatchesPublicKey(sealed.PublicKey) || rec.PeerID != id {
		return nil, fmt.Errorf("record of %s: belongs to another peer", id)
	}
	if len(rec.Addrs) == 0 || len(rec.Addrs) > maxRecordAddrs {
		return nil, fmt.Errorf("record of %s: has %d addresses: must be 1 to %d", id,
			len(rec.Addrs), maxRecordAddrs)
	}
	return rec, nil
}

// validRecord returns the record if it is the peer's and neither too old nor from the
// future.
func validRecord(key string, value []byte) (*publishedRecord, error) {
	rec, err := openRecord(key, value)
	if err != nil {
		return nil, err
	}
	switch age := time.Since(time.Unix(0, int64(min(rec.Seq, math.MaxInt64)))); {
	case age > maxRecordAge:
		return nil, fmt.Errorf("record of %s: was made %v ago, and is valid for %v", rec.PeerID,
			age.Round(time.Minute), maxRecordAge)
	case age < -maxClockSkew:
		return nil, fmt.Errorf("record of %s: was made %v from now", rec.PeerID,
			-age.Round(time.Minute))
	}
	return rec, nil
}

// validator is what the DHT asks before it stores, passes on or believes a record.
type validator struct{}

func (validator) Validate(key string, value []byte) error {
	_, err := validRecord(key, value)
	return err
}

// Select returns the index of the newest record.
func (validator) Select(key string, values [][]byte) (int, error) {
	best, newest := -1, uint64(0)
	for i, value := range values {
		if rec, err := openRecord(key, value); err == nil && (best < 0 || rec.Seq > newest) {
			best, newest = i, rec.Seq
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("none of %d records of %s can be read", len(values), peer.ID(key))
	}
	return best, nil
}

// publishable returns the addresses that are worth publishing, the most useful first.
// Loopback is published only if there is nothing else: the whole mesh is on one machine
// then.
func publishable(addrs []ma.Multiaddr) []ma.Multiaddr {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
		return manet.IsIPUnspecified(a) || manet.IsIP6LinkLocal(a)
	})
	if slices.ContainsFunc(addrs, func(a ma.Multiaddr) bool { return !manet.IsIPLoopback(a) }) {
		addrs = slices.DeleteFunc(addrs, manet.IsIPLoopback)
	}
	slices.SortFunc(addrs, func(a, b ma.Multiaddr) int {
		return cmp.Or(cmp.Compare(useRank(a), useRank(b)), a.Compare(b))
	})
	return slices.CompactFunc(addrs, ma.Multiaddr.Equal)
}

// useRank is lower the more peers can use an address. A relay's counts as a public one:
// we have relays only if we need them.
func useRank(a ma.Multiaddr) int {
	if isRelayed(a) || manet.IsPublicAddr(a) {
		return 0
	}
	return 1
}

// isForAll reports whether every peer can use the address: a relay's, or a public IPv4
// one, since every peer has IPv4.
func isForAll(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_IP4)
	return isRelayed(a) || err == nil && manet.IsPublicAddr(a)
}
