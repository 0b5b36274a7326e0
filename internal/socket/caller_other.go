//go:build !linux

package socket

import (
	"os"
	"path/filepath"
)

// callerName is a path, for systems without abstract names: the file goes as soon as the connection stands.
// The directories are made for it and stay; their names are public knowledge.
func callerName(peer, random string) (name string, unbind func()) {
	dir := filepath.Join("/tmp", callerMark+peer)
	os.MkdirAll(dir, 0o700) // if it fails, so does bind, and tells
	name = filepath.Join(dir, random)
	return name, func() { os.Remove(name) }
}
