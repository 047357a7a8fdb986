# The commands of this repository; `make help` lists them. The work is in tools/.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c

.PHONY: help demo test build asan lint tidy format bench peers clean

help: ## list the commands
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

demo: ## set up, build, and run round 2 of the Shark Tank on this machine
	@tools/setup.sh build
	@tools/build.sh release --target thresher_cli
	@tools/demo.sh

test: ## set up, build, and run every test that this machine can run
	@tools/setup.sh test
	@tools/test.sh

build: ## set up and build what users install
	@tools/setup.sh build
	@tools/build.sh release

asan: ## build with AddressSanitizer and UndefinedBehaviorSanitizer, run the unit tests
	@tools/setup.sh test
	@tools/build.sh asan --target unit_tests
	@ctest --preset asan -j $${JOBS:-$$(nproc)}

lint: tidy ## check the sources: layers, sizes, links, format, clang-tidy
	@tools/lint.sh

tidy: ## run clang-tidy on src/
	@tools/setup.sh test
	@tools/tidy.sh

format: ## let clang-format rewrite the sources
	@tools/check_format.sh --fix

bench: ## build and run the Google Benchmarks of the hot paths
	@tools/setup.sh build
	@tools/build.sh dev
	@for bench in build/dev/bench/*_bench; do "$$bench"; done

peers: ## build and run the comparison with oneDNN (downloads it into .venv)
	@tools/setup.sh peers
	@tools/build.sh dev
	@build/dev/bench/peers/onednn_peer

clean: ## delete the builds (.venv and stored measurements stay)
	rm -rf build
