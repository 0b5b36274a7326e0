//go:build !linux

package wrap

import "syscall"

// dup makes one file descriptor another, which stays open in the next program.
func dup(from, to int) error { return syscall.Dup2(from, to) }
