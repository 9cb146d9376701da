#!/bin/sh
# Keeps the access log within bounds: a new file every day or 64 MiB, in all no more than 1 GiB and 14 days.
# By size too, because whoever knocks often writes many lines; a droplet's disk has 25 GB.
set -eu

cd /var/log/aerial-nginx

due=$(find . -name access.log -size +64M)
if [ -z "$due" ] && [ -s access.log ] && [ -z "$(find . -name 'access-*' -mmin -1440)" ]; then
    due=daily
fi
if [ -n "$due" ]; then
    mv access.log "access-$(date -u +%Y%m%dT%H%M%SZ).log"
    systemctl kill --kill-whom=main --signal=USR1 aerial-nginx.service
    # Workers write what they still hold within 5 s.
    sleep 7
fi
for file in access-*.log; do
    [ ! -e "$file" ] || gzip -f "$file"
done

find . -name 'access-*' -mtime +13 -delete
while [ "$(du -sk . | cut -f1)" -gt 1048576 ]; do
    set -- access-*
    [ -e "$1" ] || break
    rm -- "$1"
done
