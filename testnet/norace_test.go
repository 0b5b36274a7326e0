//go:build !race

package testnet

const share = 1
