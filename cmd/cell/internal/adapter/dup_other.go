//go:build !linux

package adapter

import "syscall"

// dup makes one file descriptor another, which stays open in the next program.
func dup(from, to int) error { return syscall.Dup2(from, to) }
