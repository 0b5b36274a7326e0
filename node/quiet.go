package node

import (
	"log/slog"
	"os"
	"sync"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/gologshim"
)

// quiet keeps the libraries from writing to our stderr: what matters to a user comes back
// from them as an error, and we say it in our words. Who wants to hear them sets
// GOLOG_LOG_LEVEL.
var quiet = sync.OnceFunc(func() {
	// quic-go prints, once, that the system's UDP buffers are small; only root can change that.
	if _, ok := os.LookupEnv(quicBufferWarning); !ok {
		os.Setenv(quicBufferWarning, "true")
	}
	if os.Getenv("GOLOG_LOG_LEVEL") != "" {
		return
	}
	gologshim.SetDefaultHandler(slog.DiscardHandler)
	golog.SetupLogging(golog.Config{Level: golog.LevelFatal})
})

const quicBufferWarning = "QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING"
