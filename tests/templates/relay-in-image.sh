#!/bin/sh
# Runs a Relay's own programs in the base image, without systemd and without upstreams: `relay-in-image.sh STAGE`.
# STAGE holds the rendered files and delivery.json. Writes results as lines `NAME: TEXT`.
set -eu

stage=$1
cp -a "$stage/files/." /
ip link set lo up

(cd /usr/local/lib/aerial && python3 -B -m deliver.apply --files-only <"$stage/delivery.json")
mkdir -p /run/aerial /run/aerial-feed /run/aerial-links /run/aerial-nginx /var/log/aerial-nginx /var/lib/aerial-standby /run/credentials
mkdir -p /var/lib/aerial/certificate
/usr/local/sbin/aerial-certificate ensure
/usr/local/lib/aerial/resolver /run/aerial-nginx/resolver.conf
/usr/local/lib/aerial/resolver /run/aerial-links/resolver.conf

report() {
    printf '%s: %s\n' "$1" "$(cat)"
}
request() {
    curl --silent --max-time 2 --output /dev/null --write-out '%{http_code} %header{content-type}' "$@" || true
}

for unit in /etc/systemd/system/aerial-*.* /etc/systemd/system/aerial.target; do
    systemd-analyze verify --man=no "$unit" 2>&1 || true
done | grep -F /etc/systemd/system/aerial | sort -u | report verify

for configuration in nginx/a nginx/b nginx/c links/links; do
    nginx -q -t -c "/etc/aerial/$configuration.conf" 2>&1
done | grep -v 'js vm init' | report nginx

icecast2 -v | report icecast

/usr/local/lib/aerial/standby-audio /etc/aerial/standby /var/lib/aerial-standby
for loop in mp3-192 aac-64; do
    ffprobe -v error -show_entries stream=codec_name,sample_rate,channels -of csv=p=0 "/var/lib/aerial-standby/$loop" |
        report "loop $loop"
done

setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /etc/aerial/icecast/a.xml 2>/tmp/icecast.log &
nginx -c /etc/aerial/nginx/a.conf -g 'daemon off;' 2>/tmp/nginx.log &
nginx -c /etc/aerial/links/links.conf -g 'daemon off;' 2>/tmp/links.log &
CREDENTIALS_DIRECTORY=/etc/aerial/feed \
    /usr/local/lib/aerial/aerial-feed /etc/aerial/feed/feed.json /var/lib/aerial-standby /run/aerial-feed >/tmp/feed.log 2>&1 &
feed=$!

sleep 3
request http://127.0.0.1/healthz | report "healthz at first"
for _ in $(seq 20); do
    sleep 1
    if /usr/local/lib/aerial/check 2>/tmp/check; then
        break
    fi
done
/usr/local/lib/aerial/check 2>&1 | report check
curl --silent http://127.0.0.1/healthz | report healthz
/usr/local/lib/aerial/status | report status

curl --silent --max-time 4 http://127.0.0.1/main.mp3?x=1 | wc -c | report "bytes in 4 s"
curl --silent --max-time 4 --output /tmp/heard.aac http://127.0.0.1/main.aac || true
ffprobe -v error -show_entries stream=codec_name -of csv=p=0 /tmp/heard.aac 2>&1 | report heard
curl --silent --max-time 1 --dump-header - --output /dev/null http://127.0.0.1/main.mp3 | tr -d '\r' |
    grep -iE '^(HTTP|content-type|access-control-allow-origin|cache-control|transfer)' | sort | tr '\n' ';' | report headers
curl --silent --max-time 1 --http1.0 --dump-header - --output /dev/null -H 'Icy-MetaData: 1' http://127.0.0.1/main.mp3 |
    tr -d '\r' | grep -i '^icy-metaint' | report icy
for path in / /admin /admin/stats /status /status-json.xsl /came/main.mp3 /main.mp3/x /server_version.xsl; do
    request "http://127.0.0.1$path" | report "GET $path"
done
for method in PUT POST SOURCE DELETE OPTIONS; do
    request --request "$method" http://127.0.0.1/main.mp3 | report "$method"
done
request --insecure https://127.0.0.1:8443/main.mp3 | report "tier below"
request --head http://127.0.0.1/main.mp3 | report HEAD
request --header "X: $(head -c 65536 /dev/zero | tr '\0' x)" http://127.0.0.1/main.mp3 | report "64 KiB header"

for _ in 1 2 3 4; do
    request http://127.0.0.1/main.mp3 | cut -d' ' -f1 >>/tmp/full &
    sleep 0.1
done
sleep 7
sort /tmp/full | tr '\n' ' ' | report "4 listeners, limit 3"

for _ in 1 2 3; do
    curl --silent --max-time 10 --output /dev/null http://127.0.0.1/main.mp3 &
done
for _ in $(seq 40); do
    curl --silent --output /tmp/healthz http://127.0.0.1/healthz
    ! grep -q full /tmp/healthz || break
    sleep 0.2
done
report "full" </tmp/healthz
/usr/local/lib/aerial/check 2>&1 | report "check when it is full"

touch /run/aerial/draining
curl --silent --write-out '%{http_code}' http://127.0.0.1/healthz | tr '\n' ' ' | report draining
/usr/local/lib/aerial/check 2>&1 | report "check while it drains"
rm /run/aerial/draining

kill "$feed"
for _ in $(seq 12); do
    sleep 1
    /usr/local/lib/aerial/check 2>/tmp/check || break
done
report "no audio" </tmp/check

nginx -c /etc/aerial/nginx/a.conf -s reopen 2>/dev/null
tail -n 1 /var/log/aerial-nginx/access.log | report log
grep -o 'CONFIG/.*' /tmp/icecast.log | sed 's:^CONFIG/::' | sort -u | tr '\n' ';' | report "icecast says"
grep -E '\[(alert|emerg|crit)\]' /tmp/nginx.log | report "nginx says"
