//go:build !linux

package socket

import (
	"os"
	"path/filepath"
)

// bindName is a path, for systems without abstract names: the file goes as soon as the
// connection stands. The directories are made for it and stay; their names are public
// knowledge.
func bindName(caller string) (name string, unbind func()) {
	name = filepath.Join("/tmp", callerMark+caller)
	os.MkdirAll(filepath.Dir(name), 0o700) // if it fails, so does bind, and tells
	return name, func() { os.Remove(name) }
}
