#!/bin/sh
# Succeeds when Icecast can run with a configuration, else says why not: `icecast-check FILE`.
# Icecast has no such check itself, so it runs for a moment, in a network of its own, where no port is taken.
set -eu

# shellcheck disable=SC2016 # for the inner shell
exec unshare --net sh -euc '
    ip link set lo up
    code=0
    timeout 2 setpriv --reuid=icecast2 --regid=icecast --clear-groups icecast2 -c "$1" || code=$?
    # 124: it still ran.
    [ "$code" = 124 ]
' sh "$1"
