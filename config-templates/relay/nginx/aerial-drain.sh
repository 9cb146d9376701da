#!/bin/sh
# Sends listeners elsewhere without cutting anyone off: `aerial-drain start|stop|status [--wait SECONDS]`.
# `aerial-drain end LIMIT_SECONDS LEAST_SECONDS PER_SECOND` ends the machine as well: when nobody is left, but not before
# LEAST_SECONDS; after LIMIT_SECONDS it lets nobody in any more, and closes those who are left, PER_SECOND of them. Then it
# switches the machine off. The first call counts: a second one changes no times. A restart of the machine does not stop
# it; `stop` does, until the machine is off.
#
# While draining, /healthz is 503 and DNS leaves this Relay out. New listeners are still let in: resolvers and players
# hold the old answer for a while, and refusing them would be silence for them, while others may still be listed.
# Prints { "draining": …, "listeners": … } with the listeners left, null when that is not known. --wait prints it only
# when none are left or the time is over; it succeeds either way, because the rest is the caller's to decide.
# A restart of the machine ends the drain.
set -eu

root=${AERIAL_ROOT:-}
flag=$root/run/aerial/draining
# While it is there, NGINX lets no new listener in: `ending` makes it.
closed=$root/run/aerial/closed
ending=$root/var/lib/aerial/ending.json
poll_seconds=2

usage() {
    echo "usage: aerial-drain start|stop|status [--wait SECONDS]" >&2
    echo "       aerial-drain end LIMIT_SECONDS LEAST_SECONDS PER_SECOND" >&2
    exit 2
}

state() {
    curl --silent --fail --max-time 5 http://127.0.0.1:8079/drain || {
        if [ -e "$flag" ]; then draining=true; else draining=false; fi
        echo "{\"draining\":$draining,\"listeners\":null}"
    }
}

start() {
    mkdir -p "$(dirname "$flag")"
    : >"$flag"
}

whole() {
    case $1 in
        '' | *[!0-9]*) usage ;;
    esac
}

# Survives this call, whatever becomes of the line that it came by.
end() {
    whole "$1"
    whole "$2"
    whole "$3"
    [ "$3" -gt 0 ] || usage
    start
    # An empty one is what a power cut may leave.
    if [ ! -s "$ending" ]; then
        now=$(date +%s)
        mkdir -p "$(dirname "$ending")"
        printf '{"until":%d,"least":%d,"perSecond":%d}\n' "$((now + $1))" "$((now + $2))" "$3" >"$ending.new"
        sync "$ending.new"
        mv "$ending.new" "$ending"
        sync "$(dirname "$ending")"
    fi
    systemctl --quiet enable --now aerial-ending.service
}

# Takes an end back as well.
stop() {
    systemctl --quiet disable --now aerial-ending.service
    rm -f "$ending" "$closed" "$flag"
    sync "$(dirname "$ending")"
}

wait_seconds=0
case $# in
    1) ;;
    4)
        [ "$1" = end ] || usage
        ;;
    3)
        [ "$2" = --wait ] || usage
        wait_seconds=$3
        ;;
    *) usage ;;
esac
whole "$wait_seconds"

case $1 in
    start) start ;;
    stop) stop ;;
    status) ;;
    end)
        [ $# -eq 4 ] || usage
        end "$2" "$3" "$4"
        ;;
    *) usage ;;
esac

deadline=$(($(date +%s) + wait_seconds))
while :; do
    now=$(state)
    case $now in
        *'"listeners":0}') break ;;
    esac
    [ $(($(date +%s) + poll_seconds)) -le "$deadline" ] || break
    sleep "$poll_seconds"
done
echo "$now"
