package scenario

import (
	"slices"
	"sync"

	"github.com/cell-mesh/cell/testnet/internet"
)

// trouble is what events have done to a network and not undone yet, by their numbers: so
// that each ends what it began, and nothing that another one keeps up.
type trouble struct {
	mu    sync.Mutex
	rifts map[int]func()   // what heals a cut or a partition
	down  map[int][]string // who does not run because of it
	lines []otherLine      // the latest last
}

// otherLine is what the lines of some nodes have become.
type otherLine struct {
	event int
	names []string
	link  internet.Link
}

func newTrouble() *trouble { return &trouble{rifts: map[int]func(){}, down: map[int][]string{}} }

// cut notes what heals what an event has cut.
func (t *trouble) cut(event int, heal func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rifts[event] = heal
}

// heal heals what an event has cut.
func (t *trouble) heal(event int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if heal := t.rifts[event]; heal != nil {
		heal()
	}
}

// fell notes who does not run because of an event.
func (t *trouble) fell(event int, names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down[event] = append(t.down[event], names...)
}

// rise returns whom the event alone keeps from running, and keeps them no longer.
func (t *trouble) rise(event int) (names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	names = t.down[event]
	delete(t.down, event)
	for _, others := range t.down {
		names = slices.DeleteFunc(names, func(name string) bool {
			return slices.Contains(others, name)
		})
	}
	return names
}

// raised notes that nothing keeps some from running any more.
func (t *trouble) raised(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for event, down := range t.down {
		t.down[event] = slices.DeleteFunc(down, func(name string) bool {
			return slices.Contains(names, name)
		})
	}
}

// relink notes what an event has made of some lines.
func (t *trouble) relink(event int, names []string, link internet.Link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, otherLine{event, slices.Clone(names), link})
}

// unlink says what becomes of the lines that the event has changed: nil is one's own again.
func (t *trouble) unlink(event int) map[string]*internet.Link {
	t.mu.Lock()
	defer t.mu.Unlock()
	links := map[string]*internet.Link{}
	for _, line := range t.lines {
		if line.event == event {
			for _, name := range line.names {
				links[name] = nil
			}
		}
	}
	t.lines = slices.DeleteFunc(t.lines, func(l otherLine) bool { return l.event == event })
	for _, line := range t.lines {
		for _, name := range line.names {
			if _, ends := links[name]; ends {
				links[name] = &line.link
			}
		}
	}
	return links
}
