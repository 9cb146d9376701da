#!/bin/sh
# Sends listeners elsewhere without cutting anyone off: `aerial-drain start|stop|status [--wait SECONDS]`.
#
# While draining, /healthz is 503 and DNS leaves this Relay out. New listeners are still let in: resolvers and players
# hold the old answer for a while, and refusing them would be silence for them, while others may still be listed.
# Prints { "draining": …, "listeners": … } with the listeners left, null when that is not known. --wait prints it only
# when none are left or the time is over; it succeeds either way, because the rest is the caller's to decide.
# A restart of the machine ends the drain.
set -eu

flag=/run/aerial/draining
poll_seconds=2

usage() {
    echo "usage: aerial-drain start|stop|status [--wait SECONDS]" >&2
    exit 2
}

state() {
    curl --silent --fail --max-time 5 http://127.0.0.1:8079/drain || {
        if [ -e "$flag" ]; then draining=true; else draining=false; fi
        echo "{\"draining\":$draining,\"listeners\":null}"
    }
}

wait_seconds=0
case $# in
    1) ;;
    3)
        [ "$2" = --wait ] || usage
        wait_seconds=$3
        ;;
    *) usage ;;
esac
case $wait_seconds in
    '' | *[!0-9]*) usage ;;
esac

case $1 in
    start)
        mkdir -p "$(dirname "$flag")"
        : >"$flag"
        ;;
    stop) rm -f "$flag" ;;
    status) ;;
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
