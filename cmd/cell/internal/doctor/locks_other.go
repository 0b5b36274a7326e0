//go:build !linux

package doctor

// lockHolder returns the process that holds a lock on a file, if the system tells.
func lockHolder(string) (pid int, held bool) { return 0, false }
