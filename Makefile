# `make help` explains the targets. A new step of `make test` or `make
# test-long` is one more prerequisite below, with its own target.

LINT_VERSION := v2.15.0
LINT         := .cache/golangci-lint-$(LINT_VERSION)/golangci-lint
VERSION      ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOFILES       = $(shell git ls-files -co --exclude-standard '*.go')
FUZZTIME     ?= 30s

# Builds are the same with and without version control information.
export GOFLAGS := -buildvcs=false $(filter-out -buildvcs=%,$(GOFLAGS))

.DEFAULT_GOAL := help

## build: the program, static, as bin/wxnotify
.PHONY: build
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X github.com/wxnotify/wxnotify/server.version=$(VERSION)' -o bin/wxnotify ./cmd/wxnotify

## release: static programs for every platform in dist/, with checksums and an SBOM; VERSION=v1.2.3
.PHONY: release
release:
	scripts/release $(VERSION)

## release-verify: a whole release, and a second build of it elsewhere that must be the same bytes (long)
.PHONY: release-verify
release-verify:
	scripts/release $(VERSION) verify

## demo: server and sandbox in one process, nothing to configure
.PHONY: demo
demo:
	go run ./cmd/wxnotify demo

## test: what every change must pass; installs what it needs; at most 10 minutes on 2 cores
.PHONY: test
test: tools check suites race-short test-miniprogram chaos
	@echo
	@echo "make test passed. It leaves out: the race detector at full length, and on the packages whose tests drive a browser or other processes (bench, chaos, chaos/cmd, consoletest, phonetest, deploy, docs, docs/examples), of the race detector's stories each on its second database, the sizes of the tests that say testing.Short, the long chaos, WeChat SDKs against the gateway, the other stories of phone and console, fuzzing, what promtool, haproxy and systemd-analyze say of deploy/ where they are not installed, and those commands of the manuals that take minutes or three machines (make test-long)."

## test-long: the rest, at most 80 minutes on 2 cores: full race, every story with faults, long chaos, WeChat SDKs, failover and benchmarks of the manuals, every story and picture of phone and console, 30 s per fuzz target
.PHONY: test-long
test-long: tools race stories interop phone console fuzz chaos-long rolling release-verify static manuals
	@echo
	@echo "make test-long passed. It comes on top of make test."

## check: formatting, vet, lint (fast; before every commit)
.PHONY: check
check: fmt-check vet lint

.PHONY: tools
tools:
	@scripts/need gcc postgres npm curl chromium python3

.PHONY: fmt-check
fmt-check:
	@bad=$$(gofmt -l -s $(GOFILES)); if [ -n "$$bad" ]; then echo "not formatted (make fmt):"; echo "$$bad"; exit 1; fi

.PHONY: vet
vet:
	go vet ./...
	cd gateway/interop && go vet ./...

## fmt: formats the code
.PHONY: fmt
fmt:
	gofmt -w -s $(GOFILES)

## lint: golangci-lint with .golangci.yml; builds the linter on first use
.PHONY: lint
lint: $(LINT)
	$(LINT) run --allow-parallel-runners ./...

$(LINT):
	GOBIN=$(abspath $(dir $(LINT))) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

## chaos: real processes, killed and cut off for 30 s on each database; then everything is checked from outside
.PHONY: chaos
chaos: tools
	go run ./chaos/cmd -database sqlite -for 30s
	go run ./chaos/cmd -database postgres -nodes 3 -for 30s

## chaos-long: the same with over 200,000 messages on each database, with payments, at every kill point, and with a PostgreSQL cluster that loses its primary (long)
.PHONY: chaos-long
chaos-long: tools
	@scripts/need patroni etcd
	go run ./chaos/cmd -database sqlite -messages 206000 -for 12m -apps 48
	go run ./chaos/cmd -database postgres -nodes 3 -messages 206000 -for 15m -apps 48
	go run ./chaos/cmd -database sqlite -source payment -for 60s
	go run ./chaos/cmd -database postgres -nodes 3 -source payment -for 2m
	go run ./chaos/cmd -database sqlite -points all
	go run ./chaos/cmd -database postgres -nodes 2 -points all
	go run ./chaos/cmd -database cluster -nodes 3 -messages 40000 -for 5m

## rolling: three nodes behind a load balancer are upgraded one after the other under load, and no request fails (long)
.PHONY: rolling
rolling: tools
	@scripts/need haproxy
	go run ./chaos/cmd -database postgres -nodes 3 -roll -for 5m

## figures: measures what docs/guarantees.md says of times (takeover, isolation, a dead token), and fails beyond what is promised; for a quiet machine
.PHONY: figures
figures: tools
	go run ./chaos/cmd -measure -database sqlite
	go run ./chaos/cmd -measure -database postgres -nodes 2

## static: what promtool, haproxy and systemd-analyze say of the files in deploy/; the unit under a systemd, and the image's files in a folder; as root on Debian (long)
.PHONY: static
static:
	@scripts/need promtool haproxy systemd-analyze ip
	WXNOTIFY_LONG=1 go test -count=1 ./deploy

## manuals: the commands of the manuals that make test leaves out: the benchmarks, and PostgreSQL with failover on three machines in namespaces; as root on Debian 12 (long)
.PHONY: manuals
manuals: tools
	@scripts/need ip systemd-analyze
	WXNOTIFY_LONG=1 go test -count=1 -timeout 25m -v -run TestLong ./docs

# The import table is a test of the root package; fuzz corpora run as plain tests.
## suites: all tests on both databases, without the race detector
.PHONY: suites
suites:
	scripts/withpostgres go test -shuffle=on -timeout 8m ./...

# Packages whose tests drive a browser or processes that are built without the
# race detector learn nothing from it.
RACED = $(shell go list ./... | grep -vE '/(bench|chaos|chaos/cmd|consoletest|phonetest|deploy|docs|docs/examples)$$')

# The detector watches all code but that of SQLite itself, which was C, has locks
# of its own and would be twenty times slower.
RACE = CGO_ENABLED=1 scripts/withpostgres go test -race -gcflags='modernc.org/sqlite/lib=-race=false' -shuffle=on

## race-short: all tests with the race detector and small amounts of data, half of the server's stories on each database
.PHONY: race-short
race-short:
	$(RACE) -short -timeout 12m $(RACED)

## race: all tests with the race detector at full length (long)
.PHONY: race
race:
	$(RACE) -timeout 30m $(RACED)

## stories: the server's stories once more, in worlds with faults: dial errors, time-outs, redirects, panics (long)
.PHONY: stories
stories:
	WXNOTIFY_LONG=1 scripts/withpostgres go test -count=1 -shuffle=on -parallel 4 -timeout 15m ./server

## interop: WeChat SDKs, unmodified, against gateway and sandbox
.PHONY: interop
interop: tools
	cd gateway/interop && npm ci --no-audit --no-fund && go vet ./... && go test -shuffle=on -timeout 8m ./...

## phone: every story of the phone page in a browser; its pictures go to .cache/shots (long)
.PHONY: phone
phone: tools
	@mkdir -p .cache/shots
	WXNOTIFY_LONG=1 WXNOTIFY_SHOTS=$(abspath .cache/shots) go test -count=1 -parallel 2 -timeout 20m ./sandbox/phonetest

## console: every story of the console in a browser; its pictures go to .cache/shots (long)
.PHONY: console
console: tools
	@mkdir -p .cache/shots
	WXNOTIFY_LONG=1 WXNOTIFY_SHOTS=$(abspath .cache/shots) go test -count=1 -parallel 2 -timeout 20m ./console/consoletest

## fuzz: every fuzz target for FUZZTIME (30s), one after the other (long)
.PHONY: fuzz
fuzz:
	scripts/fuzz $(FUZZTIME)

## test-miniprogram: the mini program's package
.PHONY: test-miniprogram
test-miniprogram:
	cd miniprogram && npm ci --no-audit --no-fund && npm test && npm run contract

## postgres: a PostgreSQL of your own until Ctrl-C; prints WXNOTIFY_TEST_POSTGRES for `go test`
.PHONY: postgres
postgres:
	@scripts/withpostgres

## cover: which lines the tests run, as .cache/cover.html
.PHONY: cover
cover:
	@mkdir -p .cache
	scripts/withpostgres go test -short -coverpkg=./... -coverprofile=.cache/cover.out ./...
	go tool cover -html=.cache/cover.out -o .cache/cover.html
	@go tool cover -func=.cache/cover.out | tail -1

## clean: removes what was built (not your databases)
.PHONY: clean
clean:
	rm -rf bin dist .cache/cover.out .cache/cover.html miniprogram/node_modules miniprogram/miniprogram_dist gateway/interop/node_modules

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(firstword $(MAKEFILE_LIST)) | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'
