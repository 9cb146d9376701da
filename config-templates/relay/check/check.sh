#!/bin/sh
# Succeeds while this Relay works; says why it does not. One that drains or is full works, though /healthz says no: a
# delivery must not go back because of its listeners.
set -eu

# On a line of its own: in a pipe, nobody would see that it failed.
status=$(curl --silent --show-error --fail --max-time 5 http://127.0.0.1:8079/status)
faults=$(printf '%s\n' "$status" | jq --slurp --raw-output '.[0].faults | join("\n")')
if [ -n "$faults" ]; then
    printf '%s\n' "$faults" >&2
    exit 1
fi
