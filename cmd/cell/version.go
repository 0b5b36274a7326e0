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

// buildJSON is what this program was made of, as `cell version --json` prints it.
type buildJSON struct {
	Version string `json:"version"`
	// Revision is the commit, if the program was built in a checkout, and Time when that was made.
	Revision string     `json:"revision,omitempty"`
	Time     *time.Time `json:"time,omitempty"`
	// Modified says that not all of the source was as in that commit.
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "show which version of cell this is",
		Long: `Shows the version, the commit if it was built in a checkout, the version of Go, and the system. The
stem may be of another version, if it runs since before an upgrade: "cell status" says so.`,
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

// String is the same on a line, behind the program's name.
func (b buildJSON) String() string {
	text := b.Version
	if b.Revision != "" {
		text += ", revision " + b.Revision
	}
	if b.Modified {
		text += ", changed since"
	}
	return fmt.Sprintf("%s, %s, %s", text, b.Go, b.Platform)
}

// otherVersion says that the stem is not of this version, and what to do about it; "" if
// it is. A stem that does not say is older.
func otherVersion(s fullStatus) (what, remedy string) {
	own := thisBuild().Version
	if s.Version == own {
		return "", ""
	}
	return fmt.Sprintf("the stem is %s, and this command %s",
			cmp.Or(s.Version, "of an older version"), own),
		fmt.Sprintf(`kill %d, then "cell up" or "cell install", as before; cells go on`, s.PID)
}
