package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// buildJSON is how this program was built, as `cell version --json` prints it.
type buildJSON struct {
	Version string `json:"version"`
	// Revision and Time are the commit and its time, if built in a checkout.
	Revision string     `json:"revision,omitempty"`
	Time     *time.Time `json:"time,omitempty"`
	// Modified says that the source differed from that commit.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Long: `Prints the version, the commit if built in a checkout, the Go version, and the
platform. A stem started before an upgrade still runs the old version; "cell
status" tells you so.`,
		Example: `  cell version --json`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(thisBuild())
			}
			fmt.Fprintf(cmd.OutOrStdout(), "cell %s\n", thisBuild())
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func thisBuild() buildJSON {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	b := buildJSON{Version: cmp.Or(info.Main.Version, "(devel)"), Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			if at, err := time.Parse(time.RFC3339, s.Value); err == nil {
				b.Time = &at
			}
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is the same on one line.
func (b buildJSON) String() string {
	text := b.Version
	if b.Revision != "" {
		text += ", revision " + b.Revision
	}
	if b.Modified {
		text += ", modified"
	}
	return fmt.Sprintf("%s, %s, %s", text, b.Go, b.Platform)
}

// otherVersion says that the stem has another version, and how to upgrade it; "" if it has
// this one. A stem without a version is older.
func otherVersion(s fullStatus) (what, remedy string) {
	own := thisBuild().Version
	if s.Version == own {
		return "", ""
	}
	return fmt.Sprintf("the stem is %s, this command is %s",
			cmp.Or(s.Version, "an older version"), own),
		fmt.Sprintf(`restart the stem: kill %d, then "cell up" or "cell install"; `+
			`cells keep running`, s.PID)
}
