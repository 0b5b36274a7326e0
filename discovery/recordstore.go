package discovery

import (
	"context"

	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
)

// maxStored bounds the records of others that we keep, of maxRecord bytes each.
const maxStored = 4096

// recordStore is where the DHT keeps the records of other members, in memory. Anybody can
// make any number of keys and a record for each, so a record that does not fit replaces
// any other; members that are still there renew theirs.
type recordStore struct {
	*datastore.MapDatastore
	keys map[datastore.Key]bool
}

// newRecordStore makes an empty store, for use from any goroutine.
func newRecordStore() datastore.Batching {
	return sync.MutexWrap(&recordStore{datastore.NewMapDatastore(), map[datastore.Key]bool{}})
}

func (s *recordStore) Put(ctx context.Context, key datastore.Key, value []byte) error {
	if !s.keys[key] && len(s.keys) >= maxStored {
		for other := range s.keys {
			if err := s.Delete(ctx, other); err != nil {
				return err
			}
			break
		}
	}
	s.keys[key] = true
	return s.MapDatastore.Put(ctx, key, value)
}

func (s *recordStore) Delete(ctx context.Context, key datastore.Key) error {
	delete(s.keys, key)
	return s.MapDatastore.Delete(ctx, key)
}

func (s *recordStore) Batch(context.Context) (datastore.Batch, error) {
	return datastore.NewBasicBatch(s), nil
}
