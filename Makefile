# Short names. Each target sees to what it needs by itself (tools/setup), and can be interrupted and repeated.
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

.PHONY: help setup image up preview down status outputs source listen exec test test-checks test-unit test-templates \
	test-machines test-engine test-drills lint format clean cache-clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
		printf '%-18s %s\n' "$$name" "$$what"; done

setup: ## prepare this machine: packages, engine, base image (every target does what it needs of this)
	@tools/setup

image: ## make the base image that the lab's machines boot from
	@tools/setup host node image

up: ## put the station on air in the lab
	@tools/setup
	@$(LAB) up $(ARGS)

preview: ## what make up would change
	@tools/setup
	@$(LAB) up --preview $(ARGS)

down: ## take the lab down; leaves nothing behind
	@tools/setup node
	@$(LAB) down $(ARGS)

status: ## machines, health, what plays, listeners
	@$(LAB) status $(ARGS)

outputs: ## the stack outputs of the lab's station
	@$(LAB) outputs $(ARGS)

source: ## an encoder: make source ARGS="main studio start"
	@$(LAB) source $(ARGS)

listen: ## play and measure: make listen ARGS="main --region nyc3 --seconds 30"
	@$(LAB) listen $(ARGS)

exec: ## run on a machine: make exec ARGS="master-a -- uptime"
	@$(LAB) exec $(ARGS)

test: ## every test; ends with "N passed, N failed"
	@tools/setup host node engine image acme storage lint
	@npm test --silent --

test-checks: ## lint, types, imports, workflows, shell scripts, Python
	@tools/setup node lint
	@npm test --silent -- checks

test-unit: ## functions and components, against mocks
	@tools/setup node
	@npm test --silent -- unit

test-templates: ## what is rendered, read by the real programs
	@tools/setup host node image
	@npm test --silent -- templates

test-machines: ## the lab's machines and networks
	@tools/setup host node image acme storage
	@npm test --silent -- machines

test-engine: ## prod and preprod by the real engine, without machines
	@tools/setup node engine
	@npm test --silent -- engine

test-drills: ## break whole stations in labs of their own, and listen; one set: make test-drills SET=listeners
	@tools/setup
	@npm test --silent -- drills$(if $(SET),/$(SET))

lint: ## eslint and prettier
	@tools/setup node
	@npm run --silent lint

format: ## let prettier and eslint put right what they can
	@tools/setup node
	@npm run --silent format

clean: ## take the lab down, remove node_modules and test results
	@if [ -e .lab ]; then tools/setup node; $(LAB) down; fi
	@tools/as-root rm -rf --one-file-system .lab .test
	@rm -rf node_modules

cache-clean: ## remove what all clones share: engine, tools, base images
	@cache=$${AERIAL_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/aerial}; \
		if grep -qF "$$cache/" /proc/self/mounts; then \
			echo "A lab's machines stand on the base image: make down first, in every clone." >&2; exit 1; fi; \
		tools/as-root rm -rf --one-file-system "$$cache"
