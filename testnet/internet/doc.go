// Package internet is an internet in memory: hosts with sockets, routers that translate and filter, and lines that
// delay, lose and narrow.
package internet
