#!/bin/sh
# A Relay whose Icecast and NGINX are restarted beside themselves, in the base image: `relay-slots-in-image.sh STAGE`.
# STAGE holds the rendered files, delivery.json, systemctl.py and relay-slots.py, which says what happens.
set -eu

stage=$1
cp -a "$stage/files/." /
ip link set lo up
echo 4096 >/proc/sys/net/core/somaxconn
# Of the role's settings of the kernel, the one that matters here.
sed -n 's/^net.ipv4.tcp_migrate_req = //p' /etc/sysctl.d/90-aerial.conf >/proc/sys/net/ipv4/tcp_migrate_req

(cd /usr/local/lib/aerial && python3 -B -m deliver.apply --files-only <"$stage/delivery.json")
install -m 0755 "$stage/systemctl.py" /usr/local/sbin/systemctl
export PATH="/usr/local/sbin:$PATH"

mkdir -p /run/aerial /run/aerial-feed /run/aerial-links /run/aerial-nginx
mkdir -p /var/lib/aerial/certificate /var/lib/aerial/delivery/current /var/lib/aerial-standby
cp "$stage/delivery.json" /var/lib/aerial/delivery/current/
echo '{}' >/var/lib/aerial/delivery/current/index.json
install -d -m 0750 -g www-data /var/log/aerial-nginx
/usr/local/sbin/aerial-certificate ensure 2>/dev/null
/usr/local/lib/aerial/resolver /run/aerial-nginx/resolver.conf
/usr/local/lib/aerial/resolver /run/aerial-links/resolver.conf

# The audio needs no words here.
ffmpeg -v error -f lavfi -i sine=440:d=10 -ac 2 -ar 44100 -b:a 192k -f mp3 -write_xing 0 -id3v2_version 0 /var/lib/aerial-standby/mp3-192
ffmpeg -v error -f lavfi -i sine=440:d=10 -ac 2 -ar 44100 -b:a 64k -c:a aac -f adts /var/lib/aerial-standby/aac-64

exec python3 -B "$stage/relay-slots.py" "$stage/delivery.json"
