# What one does with Vivarium. `make help` lists the targets.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Static binaries, the same bytes from any checkout of the same source.
export CGO_ENABLED := 0
# For every go command, so that build, vet, test and run share one cache. Where git refuses
# the checkout (it is another user's, or there is none), go cannot ask it for the commit.
export GOFLAGS += -trimpath $(if $(shell git rev-parse HEAD 2>/dev/null),,-buildvcs=false)
go_build := go build -ldflags='-s -w -X main.version=$(VERSION)'
# vivarium-init is known by its hash, so its bytes must depend on its source alone: imagestest builds it with the same flags.
init_build := GOOS=linux GOFLAGS= go build -trimpath -buildvcs=false -ldflags='-s -w'
# Where both go; scripts/dev has a reason to choose others.
out := bin
init_out := images/initbin

.DEFAULT_GOAL := build
.PHONY: build inits setup test test-all test-gvisor attack attack-gvisor attack-current attack-vm attack-mutants corpus suites outward token-outage outages needs-go race load cpython fuzz demo bench bench-claim bench-results bench-idle bench-profile bench-versions run dev lint hooks docker docker_dev docker_man ngrok help

build: needs-go inits ## Build bin/vivarium, a static binary with vivarium-init for both architectures in it
	$(go_build) -o $(out)/vivarium ./cmd/vivarium

# All that they are made of: a test holds that they import nothing else of ours.
init_sources := $(shell find cmd/vivarium-init sandbox/wire sandbox/report -name '*.go') go.mod go.sum Makefile
inits: $(init_out)/vivarium-init-linux-amd64 $(init_out)/vivarium-init-linux-arm64
$(init_out)/vivarium-init-linux-%: $(init_sources) | needs-go
	GOARCH=$* $(init_build) -o $@ ./cmd/vivarium-init

# Before anything else, since what goes wrong without it is a riddle.
needs-go:
	@scripts/needs-go

setup: needs-go
	scripts/setup git engine $(needs)

# Runs a command and fails when that leaves the machine's own engine other than it was.
unchanged := go run ./scripts/unchanged --
engine_tests := ./sandbox ./sandbox/posture ./pipeline ./cmd/vivarium
# Told its directory, and no package, go test shows what a passing test prints: here, a line for each attack.
attack := go test -C cmd/attack -count=1 -timeout

# The attacks come by themselves: some are measured beside an ordinary build, which other tests would slow down.
# So do the tests of one sandbox, where PID 1 must see in time what hostile code does.
test: needs := pip wheels lists postgres browser proxies
test: setup build ## Run everything that CI runs
	scripts/lint
	$(unchanged) go run ./scripts/alltests -p 3 -timeout 25m $$(go list ./... | grep -v -e /cmd/attack$$ -e ^vivarium/sandbox$$)
	$(unchanged) go run ./scripts/alltests -p 1 -short -timeout 20m ./sandbox ./cmd/attack

test-all: ## Run make test, then all that takes an engine of its own, emulation or hours
	for target in test attack-gvisor test-gvisor attack-current attack-vm cpython suites attack-mutants; do \
		echo "test-all: make $$target" && $(MAKE) $$target || exit 1; done

corpus: needs := wheels lists
corpus: setup build ## Build the corpus of small repositories, each as its author would, all of them also as work trees
	VIVARIUM_REQUIRE_ENGINE=1 $(unchanged) go test -C cmd/corpus -count=1 -v -timeout 30m -trees 1

suites: needs := base wheels lists
suites: setup build ## Run pytest suites of real packages in builds and in plain containers, and compare the counts
	$(unchanged) go run ./cmd/suites

token-outage: needs := pip wheels postgres
token-outage: setup build ## Revoke the token for ten minutes amid ten builds, in real time, on each database
	VIVARIUM_REQUIRE_ENGINE=1 VIVARIUM_REQUIRE_POSTGRES=1 $(unchanged) \
		go test ./cmd/vivarium -run '^TestTokenRevokedAmidTenBuilds$$' -count=1 -v -timeout 40m -token-outage 10m

attack attack-gvisor attack-current attack-vm: export VIVARIUM_REQUIRE_ENGINE := 1
attack attack-gvisor attack-current attack-vm attack-mutants: needs := pip wheels postgres browser
attack: setup build ## Attack sandboxes from inside, and print what each attack came to
	$(unchanged) $(attack) 30m

attack-gvisor: setup build ## The same under gVisor, on an engine of its own
	$(unchanged) scripts/engine-gvisor run -- $(attack) 60m

attack-current: setup build ## The same on a current engine, which is built first
	$(unchanged) scripts/engine-current run -- $(attack) 60m

attack-vm: setup build ## Privileges, resources and persistence on the engines of Debian 12 and 13, emulated
	$(unchanged) scripts/attack-vm bookworm
	$(unchanged) scripts/attack-vm trixie

attack-mutants: setup build ## Remove one defence after the other: an attack must notice each
	$(unchanged) go run ./cmd/attack/mutants

test-gvisor: needs := pip wheels browser
test-gvisor: setup build ## Run the engine tests and scripts/engine-check under gVisor, on an engine of its own
	VIVARIUM_REQUIRE_ENGINE=1 $(unchanged) scripts/engine-gvisor run -- \
		sh -c 'scripts/engine-check && go run ./scripts/alltests -count=1 -timeout 40m $(engine_tests)'

race: needs := pip wheels lists postgres browser proxies race
race: setup build ## Run the tests under the race detector
	CGO_ENABLED=1 go run ./scripts/alltests -race -timeout 40m ./...

load: setup build ## Deliver 200 pushes at once to a server with two workers, with GitHub well and ill
	VIVARIUM_LOAD=200 VIVARIUM_REQUIRE_ENGINE=1 go test ./cmd/vivarium -count=1 -v -timeout 60m -run '^TestPushesAtOnceAreAllBuiltOnce$$'

outages: needs := pip postgres
outages: setup build ## Have the engine away for 20 s and 5 min, the git host and the index for 1 min: no build may be red for it
	OUTAGES=whole VIVARIUM_REQUIRE_ENGINE=1 VIVARIUM_REQUIRE_POSTGRES=1 $(unchanged) \
		go test ./cmd/vivarium -count=1 -v -timeout 60m -run '^TestNothingIsRedFor'

cpython: needs := apt-get dpkg-deb
cpython: setup build ## Run CPython's own tests in a sandbox and in a plain container, and compare
	$(unchanged) go run ./cmd/cpython

INTO ?= /tmp/outward
outward: needs := wheels
outward: setup build ## Write down all that bin/vivarium shows to the outside, into the folder INTO, for diff
	$(unchanged) go run ./cmd/outward -vivarium $(out)/vivarium -into $(INTO)

bench-profile: setup build ## Measure what the profile and the other settings of a sandbox cost a build
	go run ./cmd/bench -profile 40

bench-versions: setup build ## Measure cold builds against an older program: OLD, OLD_ENV="DOCKER_HOST=… VIVARIUM_RUNNERS=…"
	go run ./cmd/bench -versions 20 -older $(OLD) -older-env "$(OLD_ENV)"

FUZZTIME ?= 10m
fuzz: ## Run every fuzz target for FUZZTIME, one after the other, and keep what they find
	scripts/fuzz $(FUZZTIME)

demo: setup build ## Build the bundled repository end to end: push, live log, statuses, verdict
	go run ./cmd/demo

bench-claim: setup build ## Measure what ten thousand waiting builds cost the claim of one
	go run ./cmd/bench -claim

bench-results: setup build ## Measure what it costs to report each test
	go run ./cmd/bench -results

bench-idle: needs := postgres
bench-idle: setup ## Measure what the queue costs with nothing to do, and how long a push waits for a worker
	go test ./server/store/queue -count=1 -run '^$$' -bench '^BenchmarkPickup$$' -benchtime 40x
	go test ./server/store/queue -count=1 -run '^$$' -bench '^BenchmarkIdle$$' -benchtime 3x

bench: setup build ## Measure against a plain container and write docs/benchmarks.md and bench.json
	go run ./cmd/bench

run: build ## Run the server
	bin/vivarium serve

dev: ## Run the server, and restart it when a source file is saved
	scripts/dev

lint: ## Check formatting, vet, staticcheck, dead code, YAML, final newlines and trailing white space
	scripts/lint

hooks: ## Install a git hook that runs the lint before each commit
	scripts/hooks

docker: ## Run the server in a container; rebuild and replace it when a source file changes
	scripts/container watch

docker_dev: ## Run the server in a container with the checkout mounted; restart it there when a file is saved
	scripts/container dev

docker_man: ## Run the server in a container, built once and never again by itself
	scripts/container once

ngrok: ## Open an ngrok tunnel to the server and print the webhook URL to paste
	scripts/ngrok

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
