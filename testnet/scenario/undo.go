package scenario

import (
	"slices"
	"sync"

	"github.com/cell-mesh/cell/testnet/internet"
)

// effects are what events have done to a network and not undone yet, by event number. An
// event that ends undoes its own effects, except those that another event keeps up.
type effects struct {
	mu    sync.Mutex
	cuts  map[int]func()   // heals a cut or a partition
	down  map[int][]string // nodes that the event stopped
	links []changedLinks   // the latest last
}

type changedLinks struct {
	event int
	names []string
	link  internet.Link
}

func newEffects() *effects { return &effects{cuts: map[int]func(){}, down: map[int][]string{}} }

// cut records how to heal an event's cut.
func (e *effects) cut(event int, heal func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cuts[event] = heal
}

// heal heals an event's cut.
func (e *effects) heal(event int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if heal := e.cuts[event]; heal != nil {
		heal()
	}
}

// stopped records the nodes that an event stopped.
func (e *effects) stopped(event int, names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down[event] = append(e.down[event], names...)
}

// release ends an event and returns the nodes that no other event keeps down.
func (e *effects) release(event int) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := e.down[event]
	delete(e.down, event)
	for _, others := range e.down {
		names = without(names, others)
	}
	return names
}

// started records that no event keeps these nodes down any more.
func (e *effects) started(names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for event, down := range e.down {
		e.down[event] = without(down, names)
	}
}

func without(names, others []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(others, name) })
}

// relinked records the links that an event changed.
func (e *effects) relinked(event int, names []string, link internet.Link) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.links = append(e.links, changedLinks{event, slices.Clone(names), link})
}

// restoreLinks ends an event and returns what its links become; nil means the node's own.
func (e *effects) restoreLinks(event int) map[string]*internet.Link {
	e.mu.Lock()
	defer e.mu.Unlock()
	links := map[string]*internet.Link{}
	e.links = slices.DeleteFunc(e.links, func(l changedLinks) bool {
		if l.event != event {
			return false
		}
		for _, name := range l.names {
			links[name] = nil
		}
		return true
	})
	for _, l := range e.links {
		for _, name := range l.names {
			if _, ok := links[name]; ok {
				links[name] = &l.link
			}
		}
	}
	return links
}
