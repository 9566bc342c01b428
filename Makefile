# Two commands on a fresh Debian with a Rust toolchain and a C compiler, as root or with sudo:
#   make run    installs what is missing, builds, serves S3 on 127.0.0.1:9000 with data in ./data
#   make test   installs what is missing and runs every test, real S3 clients and archivers included

# Outside the checkout, so that a second clone builds RocksDB no second time.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/deltastore/target
export DELTASTORE_CLIENTS ?= $(HOME)/.cache/deltastore/clients
export DELTASTORE_ARCHIVERS ?= $(HOME)/.cache/deltastore/archivers

ADDRESS ?= 127.0.0.1:9000
DATA ?= data
FUZZ_SECONDS ?= 30

# One profile for build, test and lint, so that RocksDB is built once. s3s asks for a newer rustc than it needs.
FLAGS = --release --locked --ignore-rust-version
# Tests and linting may plant bugs that the harnesses must catch; what serves is built without.
TEST_FLAGS = $(FLAGS) --workspace --features planted-bugs
# Crates without RocksDB below them.
PURE = allocator delta format iam members segment sha256 vcdiff
BINARY = $(CARGO_TARGET_DIR)/release/deltastore

.PHONY: help build run check quick test lint fmt fuzz bench bench-corpora bench-savings checkout packages clients archivers

help:
	@sed -n 's/^## //p' Makefile

## build          compile; the binary is at target/release/deltastore
build: packages
	cargo build $(FLAGS) --bin deltastore
	@mkdir -p target/release
	@[ "$(BINARY)" -ef target/release/deltastore ] || cp --remove-destination "$(BINARY)" target/release/deltastore

## run            serve DATA (default ./data) on ADDRESS (default 127.0.0.1:9000)
run: build
	@exec "$(BINARY)" serve "$(DATA)" --address "$(ADDRESS)"

## check          types of all crates but the benchmarks, without RocksDB: seconds; after each edit
check:
	cargo check --locked --ignore-rust-version --workspace --exclude deltastore-speed --no-default-features

## quick          unit tests of the crates that need no RocksDB: a minute; before each commit
quick:
	cargo test $(FLAGS) --lib $(addprefix -p deltastore-,$(PURE))

## test           every test, real clients and archivers included; ARGS go to cargo test
test: packages clients archivers
	@scripts/run-tests "$(TEST_FLAGS)" $(ARGS)

## lint           formatting, clippy, shell syntax, dependency rules, lines of prose, links and names in documents
lint: packages
	cargo fmt --all --check
	cargo clippy $(TEST_FLAGS) --all-targets -- -D warnings
	@for script in .ci/run scripts/* examples/*.sh tests/clients/install tests/clients/*.sh members/tests/archivers/install members/tests/archivers/*.sh; do \
	    case $$(head -n 1 $$script) in *bash) bash -n $$script || exit 1;; esac; done
	@scripts/check-dependencies
	@scripts/check-lines
	@scripts/check-docs

## fmt            format the code
fmt:
	cargo fmt --all

## fuzz           each fuzz target for FUZZ_SECONDS (default 30)
fuzz: packages
	@fuzz/run $(FUZZ_SECONDS)

## bench          speed and memory against floors measured in the same run
bench: packages
	cargo build $(FLAGS) -p deltastore -p deltastore-speed --bins
	@"$(CARGO_TARGET_DIR)/release/deltastore-speed" $(ARGS)

## bench-corpora  store real releases through S3, compare, and print the table for docs/benchmarks.md
bench-corpora: build clients
	@scripts/bench-corpora

## bench-savings  bytes and speed of real releases, before and after optimize, beside other tools; ARGS go to the script
bench-savings: build clients
	@scripts/install-packages savings
	@scripts/bench-savings $(ARGS)

# Cargo takes for built what is older than what was built of it last, be it in another checkout: what that left goes
# first.
checkout:
	@[ "$$(cat "$(CARGO_TARGET_DIR)/checkout" 2>/dev/null)" = "$(CURDIR)" ] || \
	    { cargo clean --quiet --release --workspace && mkdir -p "$(CARGO_TARGET_DIR)" && echo "$(CURDIR)" > "$(CARGO_TARGET_DIR)/checkout"; }

packages: checkout
	@scripts/install-packages build

clients:
	@tests/clients/install

archivers:
	@members/tests/archivers/install
