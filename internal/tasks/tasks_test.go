package tasks

import (
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New()
		told, release := false, make(chan struct{})
		if !g.Begin() || !g.Go(func() { <-g.Context().Done(); told = true }) {
			t.Fatal("a task may not begin")
		}
		g.End()
		g.End()
		waited := false
		go func() {
			g.Wait()
			waited = true
			close(release)
		}()
		synctest.Wait()
		if !told || waited {
			t.Errorf("the task was told to stop: %v; Wait did not wait for the other: %v", told,
				waited)
		}
		g.Done()
		<-release
		if g.Begin() || g.Go(func() { t.Error("a task ran after the end") }) {
			t.Error("a task may begin after the end")
		}
	})
}
