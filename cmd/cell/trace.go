package main

import (
	"bytes"
	"cmp"
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

// follow asks the stem for the route to a peer and shows each event as it comes. It
// returns the error of the last event.
func follow(ctx context.Context, req wire.Request, show func(e trace.Event, line []byte)) error {
	what := fmt.Sprintf("%s %s", req.Verb, req.Object)
	to, err := address.ParsePeer(req.Object)
	if err != nil {
		return misuse(fmt.Errorf("%s: %w", what, err),
			"PEER is an ID, a petname, an IP address, a DNS name or a multiaddr")
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
			return fmt.Errorf("%s: %w: it ended during the request", what, synapse.ErrNoStem)
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		}
		show(e, line)
		if e.Kind != trace.End {
			continue
		}
		if e.Reason != "" {
			return hint(fmt.Errorf("%s: %s", what, e.Reason),
				`"cell doctor" looks for problems on this machine`)
		}
		return nil
	}
}

// asJSONLines prints events as the stem sends them.
func asJSONLines(w io.Writer) func(trace.Event, []byte) {
	return func(_ trace.Event, line []byte) { fmt.Fprintf(w, "%s\n", line) }
}

// petnameOf returns a function that maps a peer's ID to its petname, or to the ID if it
// has none.
func petnameOf() func(id string) string {
	names := map[string]string{}
	if h, err := home.Default(); err == nil {
		known, _ := peers.ReadAll(h) // "cell status" reports bad files
		for _, peer := range known {
			names[peer.ID.String()] = peer.Petname.String()
		}
	}
	return func(id string) string { return cmp.Or(names[id], id) }
}

// by is the name of a source of addresses.
func by(source string) string {
	name := map[string]string{trace.Here: "open connections",
		trace.MDNS: "the local network (mDNS)", trace.DHT: "the mesh (DHT)",
		trace.Named: "the place", trace.Lately: "recent contacts",
		trace.Peers: "the peers file", trace.Cache: "the cache"}[source]
	return cmp.Or(name, source)
}

// ago is how long ago something was, such as "3 hours ago".
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

// ms formats milliseconds with three digits.
func ms(d float64) string {
	if d >= 100 {
		return fmt.Sprintf("%.0f ms", d)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.3g", d), ".") + " ms"
}
