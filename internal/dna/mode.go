package dna

import "fmt"

// Mode is how calls reach a program.
type Mode string

const (
	// Self: the program binds its socket itself. It is started with --name NAME.
	Self Mode = "self"
	// FD: a socket that listens already is the program's file descriptor 3, as systemd's
	// socket activation has it.
	FD Mode = "fd"
	// Stdio: the program is started for each call, which is its stdin and stdout.
	Stdio Mode = "stdio"
	// Forward: there is no program to start; each call is joined with a server that runs already.
	Forward Mode = "forward"
)

// ParseMode reads a mode that a program is started in, which Forward is not.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case Self, FD, Stdio:
		return mode, nil
	}
	return "", fmt.Errorf("%q is no mode: it is \"self\", \"fd\" or \"stdio\"", text)
}
