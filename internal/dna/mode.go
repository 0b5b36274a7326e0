package dna

import "fmt"

// Mode is how calls reach a program.
type Mode string

const (
	// Self: the program binds its own socket. It is started with --name NAME.
	Self Mode = "self"
	// FD: the program gets a listening socket as file descriptor 3, as with systemd's socket
	// activation.
	FD Mode = "fd"
	// Stdio: the program is started for each call and talks on stdin and stdout.
	Stdio Mode = "stdio"
	// Forward: each call is forwarded to a server that already runs.
	Forward Mode = "forward"
)

// ParseMode reads the mode of a program: any but Forward.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case Self, FD, Stdio:
		return mode, nil
	}
	return "", fmt.Errorf("%q is not a mode: use \"self\", \"fd\" or \"stdio\"", text)
}
