package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/cell-mesh/cell/internal/address"
)

// Identity is a node's private key, and the peer ID that follows from it. The key is never
// printed.
type Identity struct {
	key crypto.PrivKey
	id  address.ID
}

// ID returns the peer ID; the zero Identity has the zero ID.
func (i Identity) ID() address.ID { return i.id }

// String returns the ID, so that no %v shows the key.
func (i Identity) String() string { return i.id.String() }

// GoString does the same for %#v.
func (i Identity) GoString() string { return i.id.String() }

// Sign signs a message with the key. The ID is enough to verify the signature.
func (i Identity) Sign(message []byte) ([]byte, error) {
	if i.key == nil {
		return nil, errors.New("sign: no identity")
	}
	return i.key.Sign(message)
}

// SeededIdentity derives an Ed25519 key from seed, which is as secret as the key.
func SeededIdentity(seed [ed25519.SeedSize]byte) (Identity, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return Identity{}, err
	}
	return newIdentity(key)
}

// LoadIdentity reads the key at path. If there is no file yet, it creates an Ed25519 key
// there; of several that do so at the same moment one wins, and all return its key. A file
// that others may read, or that holds no key, is left alone, and the error names the remedy.
func LoadIdentity(path string) (Identity, error) {
	identity, err := readIdentity(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createIdentity(path); err == nil {
			identity, err = readIdentity(path)
		}
	}
	if err != nil {
		return Identity{}, fmt.Errorf("identity %s: %w", path, err)
	}
	return identity, nil
}

var errNoKey = errors.New("holds no key: " +
	"restore it from a backup, or move it away to become a new peer")

// readIdentity checks the mode of the open file, so that it can't be that of another file.
func readIdentity(path string) (Identity, error) {
	file, err := os.Open(path)
	if err != nil {
		return Identity{}, cause(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Identity{}, cause(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Identity{}, fmt.Errorf("can be read by others: run chmod 600 %s", path)
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return Identity{}, errNoKey
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return Identity{}, cause(err)
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return Identity{}, errNoKey
	}
	key, err := crypto.UnmarshalPrivateKey(data)
	if err != nil {
		return Identity{}, errNoKey
	}
	return newIdentity(key)
}

// maxKeyFile is more than any key needs, including RSA.
const maxKeyFile = 16 << 10

func newIdentity(key crypto.PrivKey) (Identity, error) {
	decoded, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return Identity{}, errNoKey
	}
	id, err := address.ParseID(decoded.String())
	return Identity{key: key, id: id}, err
}

// createIdentity writes a key beside path and links it into place. Unlike a rename, a link
// does not replace a key that another process has just created; unlike a create, the file is
// complete when it appears.
func createIdentity(path string) error {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return err
	}
	data, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".identity-*") // with mode 0600
	if err != nil {
		return cause(err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(data) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return cause(err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return cause(err)
	}
	return nil
}

// cause drops the path from a file system error, since the message already has it.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	if between, ok := errors.AsType[*os.LinkError](err); ok {
		return between.Err
	}
	return err
}
