package adapter

import "syscall"

// dup duplicates a file descriptor to a number that stays open across exec.
func dup(from, to int) error { return syscall.Dup3(from, to, 0) }
