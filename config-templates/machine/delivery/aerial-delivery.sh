#!/bin/sh
# What this machine was last made to be, and when: `aerial-delivery`.
set -eu

if [ $# -gt 0 ]; then
    echo "usage: aerial-delivery" >&2
    exit 2
fi
home=/var/lib/aerial/delivery
if [ ! -e "$home/current/index.json" ]; then
    echo "no delivery has been applied to this machine"
    exit 1
fi
echo "applied: $(date -u -r "$home/current/index.json" +%Y-%m-%dT%H:%M:%SZ)"
echo "sha256: $(sha256sum "$home/current/delivery.json" | cut -d ' ' -f 1)"
echo "files: $(jq length "$home/current/index.json")"
for drain in /run/aerial/drains/*; do
    [ ! -e "$drain" ] || jq -r --arg slot "${drain##*/}" \
        '"slot \($slot) drains: \(.listeners | add // 0) listeners, until \(.until | todate)"' "$drain"
done
if [ -s "$home/pending.json" ] && [ "$(jq length "$home/pending.json")" != 0 ]; then
    echo "not finished: $(jq -r 'to_entries | map("\(.key) is to \(.value)") | join(", ")' "$home/pending.json")"
fi
