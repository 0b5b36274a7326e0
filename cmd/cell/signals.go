package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignalled returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. When a
// terminal closes, the program that runs in it cleans up and ends. If SIGHUP was ignored at the
// start, as under nohup(1), it stays ignored. A second signal ends the program at once.
func untilSignalled() (context.Context, context.CancelFunc) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// surviveClosedOutput lets a process that runs for months go on when the reader of its stdout or
// stderr is gone, as when journald restarts. Go ends a program that gets SIGPIPE there, unless it
// listens for that signal. To ignore it instead would have all programs that we start ignore it,
// too.
func surviveClosedOutput() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}
