package node

import (
	"log/slog"
	"os"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
)

// QuietLibraries stops libp2p from logging to stderr, for the whole process. It is for the
// main function of a program: what matters to a user comes back as an error, and the
// program says it in its own words. It does nothing if GOLOG_LOG_LEVEL is set.
func QuietLibraries() {
	if os.Getenv("GOLOG_LOG_LEVEL") != "" {
		return
	}
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	golog.SetupLogging(golog.Config{Level: golog.LevelFatal})
}
