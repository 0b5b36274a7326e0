// Package tasks keeps count of what an object has under way, so that it can end: no more
// begins, and what has begun is told to stop and waited for.
//
//	group := tasks.New()
//	group.Go(func() { work(group.Context()) })
//	…
//	group.End()
//	group.Wait()
package tasks

import (
	"context"
	"sync"
)

// Group is the tasks of one object. Its methods may be called at any time, from any goroutine.
type Group struct {
	context context.Context
	cancel  context.CancelFunc
	under   sync.WaitGroup

	mu    sync.Mutex
	ended bool
}

// New returns a group without tasks. End must be called.
func New() *Group {
	ctx, cancel := context.WithCancel(context.Background())
	return &Group{context: ctx, cancel: cancel}
}

// Context ends when the group does.
func (g *Group) Context() context.Context { return g.context }

// Begin says whether one more task may begin. If so, Done must be called when it is over.
func (g *Group) Begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ended {
		g.under.Add(1)
	}
	return !g.ended
}

// Done says that a task is over for which Begin returned true.
func (g *Group) Done() { g.under.Done() }

// Go runs task in a goroutine, unless the group has ended.
func (g *Group) Go(task func()) (begun bool) {
	if !g.Begin() {
		return false
	}
	go func() {
		defer g.Done()
		task()
	}()
	return true
}

// End lets no more tasks begin, and ends the context of those that have. It may be called
// more than once.
func (g *Group) End() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.cancel()
}

// Wait waits for the tasks that have begun. It is called after End, and by none of them.
func (g *Group) Wait() { g.under.Wait() }
