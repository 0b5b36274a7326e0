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

// Identity is who a node is: a private key, and the peer ID that follows from it. It is
// never printed.
type Identity struct {
	key crypto.PrivKey
	id  address.ID
}

// ID returns the peer ID; the zero Identity has the zero ID.
func (i Identity) ID() address.ID { return i.id }

// String prints the ID, so that no %v ever shows the key.
func (i Identity) String() string { return i.id.String() }

// GoString does the same for %#v.
func (i Identity) GoString() string { return i.id.String() }

// Sign signs the message with the key; whoever has the ID can verify it.
func (i Identity) Sign(message []byte) ([]byte, error) {
	if i.key == nil {
		return nil, errors.New("sign: no identity")
	}
	return i.key.Sign(message)
}

// SeededIdentity makes an Ed25519 key of a seed: the same key of the same seed, so that a
// seed is as secret as its key.
func SeededIdentity(seed [ed25519.SeedSize]byte) (Identity, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return Identity{}, err
	}
	return newIdentity(key)
}

// LoadIdentity reads the key at path, or makes an Ed25519 key there if there is no file
// yet. Of those who make one at the same moment one wins, and all return that one. A file
// that others may read or that holds no key is left as it is, and the error names the
// remedy.
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

var errNoKey = errors.New("holds no key: restore it from a backup, or move it away to become a new peer")

// readIdentity asks the open file for its mode, so that it can't be another file's.
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

// maxKeyFile is more than any key needs, RSA included.
const maxKeyFile = 16 << 10

func newIdentity(key crypto.PrivKey) (Identity, error) {
	decoded, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return Identity{}, errNoKey
	}
	id, err := address.ParseID(decoded.String())
	return Identity{key: key, id: id}, err
}

// createIdentity writes the key beside path and links it into place: unlike a rename, a link
// does not replace the key of someone who was faster, and unlike a create it appears whole.
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

// cause drops the path from a file system error: the message has it already.
func cause(err error) error {
	var at *fs.PathError
	var between *os.LinkError
	switch {
	case errors.As(err, &at):
		return at.Err
	case errors.As(err, &between):
		return between.Err
	}
	return err
}
