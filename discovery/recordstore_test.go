package discovery

import (
	"context"
	"fmt"
	"testing"

	"github.com/ipfs/go-datastore"
)

func TestRecordStoreIsBounded(t *testing.T) {
	ctx := context.Background()
	s := newRecordStore()
	key := func(i int) datastore.Key { return datastore.NewKey(fmt.Sprint(i)) }
	for i := range 2 * maxStored {
		if err := s.Put(ctx, key(i), []byte{1}); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Has(ctx, key(i)); err != nil || !ok {
			t.Fatalf("record %d was not stored: %v", i, err)
		}
	}
	count := 0
	for i := range 2 * maxStored {
		if ok, _ := s.Has(ctx, key(i)); ok {
			count++
		}
	}
	if count != maxStored {
		t.Errorf("stores %d records, want %d", count, maxStored)
	}
	last := key(2*maxStored - 1)
	s.Put(ctx, last, []byte{2}) // replaces its own value
	s.Delete(ctx, last)
	if ok, _ := s.Has(ctx, last); ok {
		t.Error("has a record that was deleted")
	}
}
