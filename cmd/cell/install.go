package main

import (
	"context"
	"encoding/json"
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
		Short: "have the system run the stem, from boot on",
		Long: `Makes a service of "cell up": a user unit of systemd, which runs without a login where that
may be had, or a launch agent on macOS. It is started anew when it has failed; stopping it
leaves cells running. Flags of "cell up" belong in ~/.cell/stem.toml, as in port = 4433.`,
		Example: `  cell install && cell status`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, m, s, err := theService(cmd.Context())
			if err != nil {
				return err
			}
			if pid := stemPID(cmd.Context()); pid != 0 && pid != m.PID(cmd.Context(), s) {
				return hint(fmt.Errorf("home %s: a stem already runs there, as process %d, and is no service", h, pid),
					fmt.Sprintf("end it with \"kill %d\" first", pid))
			}
			if err := service.Install(cmd.Context(), m, s); err != nil {
				return hint(fmt.Errorf("install: %w", err), `"cell up" shows what is wrong`)
			}
			if err := awaitStem(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "cell: the stem runs, as %s has it\n", m.File(s))
			if err := m.Linger(cmd.Context()); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: %v\n", err)
			}
			return nil
		},
	}
}

func uninstallCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "uninstall",
		Short:   `take back what "cell install" did`,
		Long:    `Ends the stem, and the system does not start it any more. Cells go on, and all files stay.`,
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
				fmt.Fprintf(cmd.ErrOrStderr(), "cell: there was no service: no %s\n", m.File(s))
			}
			return nil
		},
	}
}

// theService is the one of this program and this home.
func theService(ctx context.Context) (h home.Home, m service.Manager, s service.Service, err error) {
	if h, err = madeHome(); err != nil {
		return h, m, s, err
	}
	self, err := os.Executable()
	if err != nil {
		return h, m, s, err
	}
	if strings.Contains(self, string(filepath.Separator)+"go-build") {
		return h, m, s, hint(errors.New("this program is one of \"go run\", and will be gone"),
			`"go install ./cmd/cell" makes one that stays`)
	}
	s = service.Service{Program: self, Path: os.Getenv("PATH"),
		Log: filepath.Join(h.LogDir(), "stem.service.log")}
	if !h.IsDefault() {
		s.Home = h.String()
	}
	m, err = service.Find(ctx)
	if errors.Is(err, service.ErrNoManager) {
		err = hint(err, fmt.Sprintf(`let cron start it, by the line "@reboot %s up" in "crontab -e"; and now, "nohup %s up &"`, self, self))
	}
	return h, m, s, err
}

// stemPID is the process of the stem that answers in this home, 0 if there is none.
func stemPID(ctx context.Context) int {
	raw, err := askStatus(ctx)
	var status struct{ PID int }
	if err != nil || json.Unmarshal(raw, &status) != nil {
		return 0
	}
	return status.PID
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
			return errors.New("the stem was started and does not answer")
		}
	}
}
