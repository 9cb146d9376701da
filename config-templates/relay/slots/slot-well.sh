#!/bin/sh
# Succeeds once a slot's program works, else says why not: `slot-well icecast|nginx SLOT`.
#
# Icecast: the feed has brought every mount for so long that NGINX may call it healthy from its first moment (`fedSeconds`
# in health.js), and with it what a new listener gets at once. NGINX: it answers at its slot's own port.
set -eu

fed_seconds=6

ask() {
    curl --silent --show-error --fail --max-time 2 "http://127.0.0.1:$1"
}

case $#:${1:-} in
    2:icecast)
        # On a line of its own: in a pipe, nobody would see that it failed.
        status=$(ask 8078/status)
        # An answer without a mount is no proof of any.
        late=$(printf '%s\n' "$status" | jq --slurp --raw-output --arg slot "$2" --argjson least "$fed_seconds" \
            '(.[0] // {}) | if length == 0 then "any mount"
            else [to_entries[] | select((.value.slots[$slot] // 0) < $least).key] | join(", ") end')
        if [ -n "$late" ]; then
            printf 'the feed has not brought %s to it for %s s\n' "$late" "$fed_seconds" >&2
            exit 1
        fi
        ;;
    2:nginx)
        port=$(jq --arg slot "$2" '.slots[$slot].nginx' /etc/aerial/slots.json)
        ask "$port/status" >/dev/null
        ;;
    *)
        echo "usage: slot-well icecast|nginx SLOT" >&2
        exit 2
        ;;
esac
