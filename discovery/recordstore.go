package discovery

import (
	"context"

	"github.com/ipfs/go-datastore"
	"github.com/ipfs/go-datastore/sync"
)

// maxShelf bounds the records of others that we keep, of maxRecord bytes each.
const maxShelf = 4096

// shelf is where the DHT keeps other members' records, in memory. Anyone can make any
// number of keys and a record for each: one that comes to a full shelf takes the place of
// any other, and whoever is still there renews its own.
type shelf struct {
	*datastore.MapDatastore
	keys map[datastore.Key]bool
}

// newShelf makes an empty one, for use from any goroutine.
func newShelf() datastore.Batching {
	return sync.MutexWrap(&shelf{datastore.NewMapDatastore(), map[datastore.Key]bool{}})
}

func (s *shelf) Put(ctx context.Context, key datastore.Key, value []byte) error {
	if !s.keys[key] && len(s.keys) >= maxShelf {
		for any := range s.keys {
			if err := s.Delete(ctx, any); err != nil {
				return err
			}
			break
		}
	}
	s.keys[key] = true
	return s.MapDatastore.Put(ctx, key, value)
}

func (s *shelf) Delete(ctx context.Context, key datastore.Key) error {
	delete(s.keys, key)
	return s.MapDatastore.Delete(ctx, key)
}

func (s *shelf) Batch(context.Context) (datastore.Batch, error) {
	return datastore.NewBasicBatch(s), nil
}
