package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/service"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/synapse"
)

func installCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "run the stem as a service, from boot",
		Long: `Installs a service that runs "cell up": a systemd user unit, which if possible
also runs without a login, or a launch agent on macOS. It is restarted when it
fails. Stopping it leaves cells running. Put flags for "cell up" into
~/.cell/stem.toml, for example: port = 4433.`,
		Example: `  cell install && cell status`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, m, s, err := theService(cmd.Context())
			if err != nil {
				return err
			}
			if pid := stemPID(cmd.Context()); pid != 0 && pid != m.PID(cmd.Context(), s) {
				return hint(fmt.Errorf("a stem started by hand already runs in %s", h),
					fmt.Sprintf("stop it first with \"kill %d\"", pid))
			}
			if err := service.Install(cmd.Context(), m, s); err != nil {
				return hint(fmt.Errorf("install: %w", err), `"cell up" shows the problem`)
			}
			if err := awaitStem(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: the stem is running; its service file is %s\n",
				m.File(s))
			if err := m.Linger(cmd.Context()); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: %v\n", err)
			}
			return nil
		},
	}
}

func uninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: `remove the service that "cell install" created`,
		Long: `Stops the stem and removes its service. Cells keep running, and the home is not
changed.`,
		Example: `  cell uninstall`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, m, s, err := theService(cmd.Context())
			if err != nil {
				return err
			}
			was, err := service.Uninstall(cmd.Context(), m, s)
			if err != nil {
				return fmt.Errorf("uninstall: %w", err)
			}
			if !was {
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: no service to remove: %s does not exist\n",
					m.File(s))
			}
			return nil
		},
	}
}

// theService describes the service for this program and this home.
func theService(ctx context.Context) (h home.Home, m service.Manager, s service.Service,
	err error) {
	if h, err = madeHome(); err != nil {
		return h, m, s, err
	}
	self, err := os.Executable()
	if err != nil {
		return h, m, s, err
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return h, m, s, hint(errors.New("\"go run\" deletes this program when it ends"),
			`use "go install ./cmd/cell", then "cell install"`)
	}
	s = service.Service{Program: self, Path: os.Getenv("PATH"),
		Log: filepath.Join(h.LogDir(), "stem.service.log")}
	if !h.IsDefault() {
		s.Home = h.String()
	}
	m, err = service.Find(ctx)
	if errors.Is(err, service.ErrNoManager) {
		err = hint(err, fmt.Sprintf(`start it by cron: add "@reboot %s up" in "crontab -e"; `+
			`to start it now, run "nohup %s up &"`, self, self))
	}
	return h, m, s, err
}

// stemPID is the process of the stem that answers in this home, 0 if there is none.
func stemPID(ctx context.Context) int {
	s, err := stemStatus(ctx)
	if err != nil {
		return 0
	}
	return s.PID
}

// awaitStem waits until the stem answers.
func awaitStem(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for pause := socket.FirstPause; ; pause = socket.NextPause(pause) {
		_, err := askStatus(ctx)
		if !errors.Is(err, synapse.ErrNoStem) {
			return err
		}
		if socket.Pause(ctx, pause) != nil {
			return errors.New("the stem was started but does not answer")
		}
	}
}
