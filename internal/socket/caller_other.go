//go:build !linux

package socket

import (
	"os"
	"path/filepath"
)

// bindName returns a path, for systems without abstract names. unbind removes the file once
// the connection is made. The directories stay; their names are no secret.
func bindName(caller string) (name string, unbind func()) {
	name = filepath.Join("/tmp", callerMark+caller)
	os.MkdirAll(filepath.Dir(name), 0o700) // if this fails, bind fails and reports it
	return name, func() { os.Remove(name) }
}
