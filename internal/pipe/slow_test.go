package pipe_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/internal/pipe/pipetest"
)

// A slow reader slows the writer: what a Join and the kernel hold for it is bounded, and
// nothing of it is lost.
func TestSlowReader(t *testing.T) {
	t.Run("unix", func(t *testing.T) { slowReader(t, unix) })
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { slowReader(t, memory) })
	})
}

func slowReader(t *testing.T, kind transport) {
	c := join(t, kind, kind)
	text := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	c.caller.SetDeadline(time.Now().Add(200 * time.Millisecond))
	wrote, err := io.WriteString(c.caller, text)
	if err == nil || wrote > 1<<20 {
		t.Errorf("while nobody reads, %d bytes were written: %v", wrote, err)
	}
	c.caller.SetDeadline(time.Time{})
	go func() {
		write(t, c.caller, text[wrote:])
		closeWrite(t, c.caller)
	}()
	wantAll(t, c.cell, text)
	closeWrite(t, c.cell)
	c.wantEnd(t, int64(len(text)), 0)
}

// In memory, where nothing is held but by Join itself and the streams, the bound is exact.
func TestJoinHoldsOneBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := join(t, memory, memory)
		var wrote int
		go func() {
			for one := []byte("x"); ; wrote++ {
				if _, err := c.caller.Write(one); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		const largest = 128 << 10
		if most := 2*pipetest.Capacity + largest; wrote < 2*pipetest.Capacity || wrote > most {
			t.Errorf("%d bytes were written, want at most %d", wrote, most)
		}
		c.cancel(nil)
		<-c.ended
	})
}
