#!/bin/sh
# Keeps the access log within bounds: a new file every day or 64 MiB, in all no more than 1 GiB, and 14 days or those of a
# monitored station (monitoring.addressDays).
# By size too, because whoever knocks often writes many lines; a droplet's disk has 25 GB.
set -eu

cd "${AERIAL_ROOT:-}/var/log/aerial-nginx"

# An instance that has failed has no log to open, and is no reason to leave the rest undone.
reopen() {
    systemctl kill --kill-whom="$1" --signal=USR1 'aerial-nginx@*.service' ||
        echo "not every NGINX could be told to open its log anew" >&2
}

due=$(find . -name access.log -size +64M)
if [ -z "$due" ] && [ -s access.log ] && [ -z "$(find . -name 'access-*' -mmin -1440)" ]; then
    due=daily
fi
if [ -n "$due" ]; then
    mv access.log "access-$(date -u +%Y%m%dT%H%M%SZ).log"
    reopen main
    sleep 1
    # One that drains does not pass it on to its workers. They may open the new file, and may not make it.
    reopen all
    # Workers write what they still hold within 2 s.
    sleep 7
fi
for file in access-*.log; do
    [ ! -e "$file" ] || gzip -f "$file"
done

# A file holds a day: its first lines are a day older than its last ones.
find . -name 'access-*' -mmin "+$(((${AERIAL_LOG_DAYS:-14} - 1) * 1440 - 60))" -delete
while [ "$(du -sk . | cut -f1)" -gt 1048576 ]; do
    set -- access-*
    [ -e "$1" ] || break
    rm -- "$1"
done
