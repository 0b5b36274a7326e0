package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// What happens to, and in, a real network.

func (r *real) do(ctx context.Context, step Step, nodes []Node) error {
	switch step.Do {
	case Join:
		for _, n := range nodes {
			if err := r.join(ctx, n); err != nil {
				return err
			}
		}
		return nil
	case End:
		return r.end(ctx, step.Event)
	case Kill, Stop, KillRelay:
		names := step.Nodes
		if step.Do == KillRelay {
			names = r.relays(ctx, names)
		}
		r.trouble.fell(step.Event, names)
		return r.each(names, func(m *machine) error {
			if step.Do == Stop {
				return m.end(ctx, m.home.Stop)
			}
			return m.end(ctx, m.home.Kill)
		})
	case Restart:
		r.trouble.raised(step.Nodes)
		return r.restart(ctx, step.Nodes)
	case Renumber:
		done := map[any]bool{}
		for _, m := range r.named(step.Nodes) {
			router := m.host.Routers[len(m.host.Routers)-1]
			if done[router] {
				continue
			}
			done[router] = true
			if err := router.Renumber(); err != nil {
				return err
			}
		}
	case Cut:
		ends := r.hosts(step.Nodes)
		r.trouble.cut(step.Event, r.lab.Cut(ends[0], ends[1]))
	case Partition:
		var sides [][]*natlab.Host
		for _, names := range step.Sides {
			sides = append(sides, r.hosts(names))
		}
		r.trouble.cut(step.Event, r.lab.Partition(sides...))
	case Heal:
		r.lab.Heal()
	case Relink:
		r.trouble.relink(step.Event, step.Nodes, *step.Link)
		for _, m := range r.named(step.Nodes) {
			r.lab.SetLink(m.host, *step.Link)
		}
	default:
		return fmt.Errorf("there is no event %s", step.Do)
	}
	return nil
}

// end undoes what an event has done.
func (r *real) end(ctx context.Context, event int) error {
	r.trouble.heal(event)
	for name, link := range r.trouble.unlink(event) {
		m := r.nodes[name]
		if link == nil {
			link = &m.Link
		}
		r.lab.SetLink(m.host, *link)
	}
	return r.restart(ctx, r.trouble.rise(event))
}

func (r *real) each(names []string, do func(*machine) error) error {
	var group errgroup.Group
	for _, m := range r.named(names) {
		group.Go(func() error { return do(m) })
	}
	return group.Wait()
}

// restart starts those that do not run.
func (r *real) restart(ctx context.Context, names []string) error {
	return r.each(names, func(m *machine) error {
		if m.runs() {
			return nil
		}
		return m.start(ctx, r.cell)
	})
}

// relays are the nodes that relay for others.
func (r *real) relays(ctx context.Context, names []string) (relays []string) {
	for _, m := range r.named(names) {
		s, err := m.home.Ask(ctx)
		if err != nil {
			continue
		}
		for _, id := range s.Network.Relays {
			relays = append(relays, r.byID[id])
		}
	}
	return relays
}

func (r *real) call(ctx context.Context, c Call) (Record, bool) {
	from, to := r.nodes[c.From], r.nodes[c.To]
	if !from.runs() {
		return Record{}, false
	}
	record := Record{Call: c, began: time.Now()}
	got, err := record.ask(ctx, from, c.Cell+"@"+to.id, c.Bytes)
	record.Took = time.Since(record.began)
	switch {
	case err != nil:
		record.Err = cmpErr(ctx, err).Error()
	case got != c.Bytes:
		record.Err = fmt.Sprintf("%d bytes of %d came back", got, c.Bytes)
	}
	return record, true
}

// ask makes the call through the door of the caller's stem, as a program of its machine would.
func (r *Record) ask(ctx context.Context, from *machine, to string, size int) (got int, err error) {
	answer, err := stemclient.Ask(ctx, from.home.Home, wire.Request{Verb: wire.Open, Object: to})
	if err != nil {
		return 0, err
	}
	defer answer.Conn.Close()
	r.Granted = time.Since(r.began)
	defer context.AfterFunc(ctx, func() { answer.Conn.SetDeadline(time.Unix(1, 0)) })()
	sent := make(chan error, 1)
	go func() { // ends with the connection, which is closed below
		_, err := io.WriteString(answer.Conn, strings.Repeat("x", size))
		sent <- errors.Join(err, answer.Conn.CloseWrite())
	}()
	defer func() {
		answer.Conn.Close()
		<-sent
	}()
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(answer.Rest), answer.Conn))
	if _, err = in.Peek(1); err == nil {
		r.FirstByte = time.Since(r.began)
	} else if err == io.EOF {
		return 0, nil
	}
	n, err := io.Copy(io.Discard, in)
	return int(n), err
}

func cmpErr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// sent is what has left the nodes by their uplinks.
func (r *real) sent() (total uint64) {
	for _, m := range r.nodes {
		m.host.Do(func() error {
			text, err := os.ReadFile("/proc/thread-self/net/dev")
			for line := range strings.Lines(string(text)) {
				if name, counts, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "up0" {
					if fields := strings.Fields(counts); len(fields) > 8 {
						sent, _ := strconv.ParseUint(fields[8], 10, 64)
						total += sent
					}
				}
			}
			return err
		})
	}
	return total
}

func (r *real) lookups(time.Time) []Lookup { return nil }

// finish finds the ways of the calls in what the callers' stems have written down of them.
func (r *real) finish(records []Record) {
	byCaller := map[string][]stem.Record{}
	for i := range records {
		record := &records[i]
		written, ok := byCaller[record.From]
		if !ok {
			written = readCalls(r.nodes[record.From].home.Home.Calls())
		}
		for j, c := range written {
			late := c.Began.Sub(record.began)
			if c.Direction == "out" && c.Peer == r.nodes[record.To].id && c.Cell == record.Cell &&
				late >= 0 && late < record.Took {
				record.Route = c.Path
				written[j].Direction = "" // it is taken
				break
			}
		}
		byCaller[record.From] = written
	}
}

func readCalls(path string) (calls []stem.Record) {
	text, _ := os.ReadFile(path) // what a stem that was killed did not write is not known
	for line := range bytes.Lines(text) {
		var c stem.Record
		if json.Unmarshal(line, &c) == nil {
			calls = append(calls, c)
		}
	}
	return calls
}
