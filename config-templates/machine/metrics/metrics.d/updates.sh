#!/bin/sh
# How many security updates are known and not installed. Every six hours: to find it out takes apt a second.
set -eu

held=/run/aerial-metrics/updates
if [ -z "$(find "$held" -mmin -360 2>/dev/null)" ]; then
    apt-get --simulate --quiet dist-upgrade >"$held.plan"
    awk '/^Inst / && /[Ss]ecurity/ { n++ } END { print n + 0 }' "$held.plan" >"$held.new"
    rm "$held.plan"
    mv "$held.new" "$held"
fi
echo '# HELP aerial_security_updates_pending Security updates that are known and not installed.'
echo '# TYPE aerial_security_updates_pending gauge'
echo "aerial_security_updates_pending $(cat "$held")"
