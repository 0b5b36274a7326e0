// Package tasks counts the work that an object has under way, so that the object can end.
//
//	group := tasks.New()
//	group.Go(func() { work(group.Context()) })
//	…
//	group.End()  // refuse new work, cancel the context
//	group.Wait() // until all work has ended
//
// Unlike a sync.WaitGroup, it refuses work that comes while it ends. Unlike an errgroup, it leaves
// errors to the tasks.
package tasks

import (
	"context"
	"sync"
)

// Group holds the tasks of one object. Its methods may be called from any goroutine.
type Group struct {
	context context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	ended bool
}

// New returns an empty group. End must be called.
func New() *Group {
	ctx, cancel := context.WithCancel(context.Background())
	return &Group{context: ctx, cancel: cancel}
}

// Context returns a context that End cancels.
func (g *Group) Context() context.Context { return g.context }

// Begin reports whether a task may begin. If so, Done must be called when it has ended.
func (g *Group) Begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ended {
		g.running.Add(1)
	}
	return !g.ended
}

// Done ends a task for which Begin returned true.
func (g *Group) Done() { g.running.Done() }

// Go runs task in a goroutine. It reports false if the group has ended.
func (g *Group) Go(task func()) bool {
	if !g.Begin() {
		return false
	}
	go func() {
		defer g.Done()
		task()
	}()
	return true
}

// End refuses new tasks and cancels the context. It may be called more than once.
func (g *Group) End() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.cancel()
}

// Wait waits for the running tasks. Call it after End, and not from a task.
func (g *Group) Wait() { g.running.Wait() }
