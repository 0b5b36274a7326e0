# What people type. "make" or "make help" lists the targets; CONTRIBUTING.md says how long each takes.

# How tests are run. CI uses .ci/test instead, under which a skipped test fails, too.
TEST ?= go test
# How long each fuzz target runs.
FUZZTIME ?= 10s
# How often the lab runs all of its tests.
COUNT ?= 1

# A program under the race detector sleeps for a second before it exits, unless told not to; the tests start
# some hundred of them.
export GORACE ?= atexit_sleep_ms=0

.PHONY: help check test race rawio lab fuzz bench nightly docs

help: ## list these targets
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

check: ## format, vet, staticcheck, width of lines, other systems
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	python3 .ci/width.py
	go mod tidy -diff
	go vet ./...
	go tool staticcheck ./...
	GOOS=darwin GOARCH=arm64 go vet ./...
	GOOS=linux GOARCH=arm64 go vet ./...

test: ## every test; those that lack root or a program are skipped
	$(TEST) ./...

race: ## every test under the race detector
	$(TEST) -race -timeout 15m ./...

rawio: ## the tests of pipes and of the network without raw system calls
	CELL_RAWIO=off $(TEST) -count=1 ./internal/pipe/... ./internal/rawio/... ./node/...

lab: ## what needs root: network namespaces, NATs, real kernels (COUNT=1)
	@test "$$(id -u)" = 0 || { echo 'the lab needs root: sudo env "PATH=$$PATH" make lab'; exit 1; }
	$(TEST) -count=$(COUNT) -timeout 2h ./testnet/natlab
	$(TEST) -count=$(COUNT) -run '^TestReal' ./testnet/scenario
	$(TEST) -count=$(COUNT) -run 'MDNS|Watch' ./node/...
	$(TEST) -count=$(COUNT) ./internal/home ./internal/links

fuzz: ## every fuzz target, one after the other (FUZZTIME=10s)
	FUZZTIME=$(FUZZTIME) .ci/fuzz

bench: ## what a call costs, next to its floor
	go run ./cmd/cell bench
	go test -run '^$$' -bench . ./internal/pipe ./internal/socket ./internal/wire ./synapse

docs: ## man pages, into build/man1
	go run ./cmd/cell man build/man1

nightly: ## hours: the lab five times, real-time simulations, churn, long fuzzing; as root
	$(MAKE) lab COUNT=5
	$(TEST) -count=5 -timeout 2h ./testnet ./testnet/scenario ./discovery
	go build -o build/cell ./cmd/cell
	for scenario in testnet/scenario/shipped/*.toml; do build/cell testnet run $$scenario || exit; done
	build/cell testnet run home-and-server --real
	build/cell testnet run --nat none --nodes 1000 --churn 0.1
	build/cell testnet run --nat mix --nodes 300 --churn 0.3
	$(TEST) -run Churn ./discovery -churn.members 60 -churn.replaced 92 -churn.targets 20
	$(MAKE) fuzz FUZZTIME=5m
