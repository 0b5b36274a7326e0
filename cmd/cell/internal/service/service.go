// Package service has the system run a user's stem, from boot to shutdown: as a user unit
// of systemd, or as a launch agent on macOS. Both end the stem alone when they stop it,
// and never its cells; both start it anew when it has failed.
package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Service is a stem that the system runs. Its texts depend on nothing else.
type Service struct {
	// Program is the whole path of the program cell.
	Program string
	// Home is the stem's, if it is not the default one.
	Home string
	// Path is the $PATH that the stem has, and the cells that it starts.
	Path string
	// Log is where a launch agent's stem complains; a unit's does so in the journal.
	Log string
}

// ErrNoManager is wrapped by the errors of a machine, or a login, where nothing runs
// services for the user.
var ErrNoManager = errors.New("nothing here runs services for this user")

// Manager is what runs services.
type Manager interface {
	// File is where the text of the service lies.
	File(Service) string
	// Text is the file's content.
	Text(Service) string
	// PID returns the process of the service, 0 if it does not run.
	PID(context.Context, Service) int
	// Start has the service run, now and from the next boot on, as its file has it, which
	// has changed or not.
	Start(ctx context.Context, s Service, changed bool) error
	// Stop ends it, for good.
	Stop(context.Context, Service) error
	// Linger keeps the user's services running without a login; the error says what else would.
	Linger(context.Context) error
}

// Find returns the manager of this machine. Without one, the error wraps ErrNoManager.
func Find(ctx context.Context) (Manager, error) {
	if runtime.GOOS == "darwin" {
		home, err := os.UserHomeDir()
		return launchd{filepath.Join(home, "Library", "LaunchAgents")}, err
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return nil, err
	}
	if _, err := tool(ctx, "systemctl", "--user", "show", "--property=Version"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoManager, err)
	}
	return systemd{filepath.Join(config, "systemd", "user")}, nil
}

// suffix tells the services of several homes apart.
func (s Service) suffix(separator string) string {
	if s.Home == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s.Home))
	return separator + hex.EncodeToString(sum[:4])
}

// tool runs a command of the manager; the error has its words.
func tool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil && said.Len() > 0 {
		err = errors.New(strings.TrimSpace(said.String()))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
