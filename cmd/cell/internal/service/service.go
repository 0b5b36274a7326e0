// Package service runs a user's stem as a system service, from boot to shutdown: a systemd
// user unit, or a launch agent on macOS. Both restart the stem when it fails, and stop only
// the stem, never its cells.
//
//	m, err := service.Find(ctx)
//	err = service.Install(ctx, m, service.Service{Program: "/usr/bin/cell", Path: path})
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

// Service describes the stem to run. The text of the service file depends only on this.
type Service struct {
	// Program is the absolute path of the program cell.
	Program string
	// Home is the stem's home. If empty, the default one.
	Home string
	// Path is the $PATH of the stem and of the cells that it starts.
	Path string
	// Log is the log file of a launch agent. A systemd unit logs to the journal.
	Log string
}

// ErrNoManager is the error of Find if nothing runs services for the user.
var ErrNoManager = errors.New("no service manager for this user")

// Manager runs services: systemd or launchd.
type Manager interface {
	// File is the path of the service file.
	File(Service) string
	// Text is the content of the service file.
	Text(Service) string
	// PID returns the process of the service, or 0 if it does not run.
	PID(context.Context, Service) int
	// Start runs the service now and at each boot. If its file has changed, it restarts it.
	Start(ctx context.Context, s Service, changed bool) error
	// Stop stops the service, and no longer runs it at boot.
	Stop(context.Context, Service) error
	// Linger keeps the user's services running without a login. The error says how to do it.
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

// suffix makes the names of services of several homes differ.
func (s Service) suffix(separator string) string {
	if s.Home == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s.Home))
	return separator + hex.EncodeToString(sum[:4])
}

// tool runs a command of the manager. The error contains its stderr.
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
