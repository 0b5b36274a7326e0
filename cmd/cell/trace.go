package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/trace"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/synapse"
)

// follow asks the stem for the way to a peer and shows each event as it comes. The error
// is the last event's.
func follow(ctx context.Context, req wire.Request, show func(e trace.Event, line []byte)) error {
	what := fmt.Sprintf("%s %s", req.Verb, req.Object)
	to, err := address.ParsePeer(req.Object)
	if err != nil {
		return misuse(fmt.Errorf("%s: %w", what, err),
			"a peer is an ID, a petname, an IP address, a DNS name or a multiaddr")
	}
	h, err := home.Default()
	if err != nil {
		return err
	}
	answer, err := stemclient.Ask(ctx, h, req)
	if err != nil {
		return hint(fmt.Errorf("%s: %w", what, err), dialHint(err, address.Address{Peer: to}))
	}
	defer answer.Conn.Close()
	defer context.AfterFunc(ctx, func() { answer.Conn.SetDeadline(time.Unix(1, 0)) })()
	lines := json.NewDecoder(io.MultiReader(bytes.NewReader(answer.Rest), answer.Conn))
	for {
		var line json.RawMessage
		var e trace.Event
		err := lines.Decode(&line)
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%s: interrupted", what)
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%s: %w any more: it ended before it had said all", what,
				synapse.ErrNoStem)
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		}
		show(e, line)
		if e.Kind != trace.End {
			continue
		}
		if e.Reason != "" {
			return hint(fmt.Errorf("%s: %s", what, e.Reason),
				`"cell doctor" looks for what may be wrong on this machine`)
		}
		return nil
	}
}

// asJSONLines shows events as they come.
func asJSONLines(w io.Writer) func(trace.Event, []byte) {
	return func(_ trace.Event, line []byte) { fmt.Fprintf(w, "%s\n", line) }
}

// calledHere returns what this machine's user calls a peer, which may be its ID.
func calledHere() func(id string) string {
	names := map[string]string{}
	if h, err := home.Default(); err == nil {
		known, _ := peers.ReadAll(h)
		for _, peer := range known {
			names[peer.ID.String()] = peer.Petname.String()
		}
	}
	return func(id string) string {
		if name := names[id]; name != "" {
			return name
		}
		return id
	}
}

// by names a source.
func by(source string) string {
	if name := map[string]string{trace.Here: "open connections",
		trace.MDNS: "the local network (mDNS)", trace.DHT: "the mesh (DHT)",
		trace.Named: "the place", trace.Lately: "lately heard", trace.Peers: "the peers file", trace.Cache: "the cache"}[source]; name != "" {
		return name
	}
	return source
}

// ago says how long ago something was.
func ago(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	since := time.Since(at)
	for _, unit := range []struct {
		name string
		long time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if since >= unit.long {
			return count(int(since/unit.long), unit.name) + " ago"
		}
	}
	return count(max(0, int(since/time.Second)), "second") + " ago"
}

// ms prints milliseconds for a person.
func ms(d float64) string {
	if d >= 100 {
		return fmt.Sprintf("%.0f ms", d)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", d), ".") + " ms"
}
