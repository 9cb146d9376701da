#!/bin/sh
# Writes NGINX's `resolver` from resolv.conf, for upstreams that are names: `resolver OUTPUT`.
set -eu

# Link-local servers, which have a %, are more than NGINX understands.
servers=$(awk '$1 == "nameserver" && !index($2, "%") { printf " %s", index($2, ":") ? "[" $2 "]" : $2 }' /etc/resolv.conf)
if [ -n "$servers" ]; then
    # Asked again this often, whatever the record's TTL: a moved upstream is found by the next try.
    echo "resolver$servers valid=5s ipv6=off;"
fi >"$1.$$"
# In one step: another slot may be reading it.
mv "$1.$$" "$1"
