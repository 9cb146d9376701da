# Short commands. Each target prepares what it needs (tools/setup), and can be interrupted and repeated.
#
#   make up                                 the whole station on this machine
#   make listen ARGS="main --region nyc3"   everything after the lab's command goes into ARGS

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ARGS ?=
SET ?=
LAB := tools/lab

.PHONY: help setup image up preview down status outputs source listen exec bench test test-checks test-unit test-templates \
	test-machines test-sources test-engine test-browser test-drills lint format clean cache-clean

help: ## show this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
		printf '%-18s %s\n' "$$name" "$$what"; done

setup: ## prepare the workstation: packages, engine, base image (every target does what it needs of this)
	@tools/setup

image: ## make the base image that the lab's machines boot from
	@tools/setup workstation node image

up: ## put the station on air in the lab
	@tools/setup
	@$(LAB) up $(ARGS)

preview: ## show what make up would change
	@tools/setup
	@$(LAB) up --preview $(ARGS)

down: ## remove the lab; only the cache stays
	@tools/setup node
	@$(LAB) down $(ARGS)

status: ## show machines, health, what plays, and listeners
	@$(LAB) status $(ARGS)

outputs: ## show the stack outputs of the lab's station
	@$(LAB) outputs $(ARGS)

source: ## start or stop an encoder: make source ARGS="main studio start"
	@$(LAB) source $(ARGS)

listen: ## play a stream and measure it: make listen ARGS="main --region nyc3 --seconds 30"
	@$(LAB) listen $(ARGS)

exec: ## run a command on a machine: make exec ARGS="master-a -- uptime"
	@$(LAB) exec $(ARGS)

bench: ## measure the station in the lab, for docs/bench.md (30 minutes): make bench ARGS="--help"
	@tools/setup
	@tools/setup load
	@tools/as-root tsx tools/bench.ts $(ARGS)

test: ## run every test; ends with "N passed, N failed"
	@tools/setup workstation node engine image acme storage lint browser
	@npm test --silent --

test-checks: ## check lint, types, imports, workflows, policy, shell scripts, Python
	@tools/setup node lint
	@npm test --silent -- checks

test-unit: ## test functions and components, against mocks
	@tools/setup node
	@npm test --silent -- unit

test-templates: ## test rendered files with the programs that read them
	@tools/setup workstation node image
	@npm test --silent -- templates

test-machines: ## test the lab's machines and networks
	@tools/setup workstation node image acme storage
	@npm test --silent -- machines

test-sources: ## test sources on their way through a Master, in real time
	@tools/setup workstation node image
	@npm test --silent -- sources

test-engine: ## test prod and preprod by the real engine, without machines
	@tools/setup node engine
	@npm test --silent -- engine

test-browser: ## test the status page in a real browser
	@tools/setup node browser
	@npm test --silent -- browser

test-drills: ## break whole stations in labs of their own, and listen; one set: make test-drills SET=listeners
	@tools/setup
	@npm test --silent -- drills$(if $(SET),/$(SET))

lint: ## run eslint and prettier
	@tools/setup node
	@npm run --silent lint

format: ## let prettier and eslint correct what they can
	@tools/setup node
	@npm run --silent format

clean: ## remove the lab, node_modules and test results
	@if [ -e .lab ]; then tools/setup node; $(LAB) down; fi
	@tools/as-root rm -rf --one-file-system .lab .test
	@rm -rf node_modules

cache-clean: ## remove the cache that all clones share: engine, tools, base images
	@cache=$${AERIAL_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/aerial}; \
		if grep -qF "$$cache/" /proc/self/mounts; then \
			echo "The machines of a lab still use the base image. Run make down first, in every clone." >&2; exit 1; fi; \
		tools/as-root rm -rf --one-file-system "$$cache"
