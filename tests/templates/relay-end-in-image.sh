#!/bin/sh
# Ends a Relay in the base image while six listeners are on, three of them in a slot that drains, and three of them over
# TLS: `relay-end-in-image.sh STAGE`.
# STAGE holds the rendered files, delivery.json and systemctl.py. Writes results as lines `NAME: TEXT`.
set -eu

stage=$1
cp -a "$stage/files/." /
ip link set lo up

report() {
    printf '%s: %s\n' "$1" "$(tr '\n' ' ' | sed 's/^ *//;s/  */ /g;s/ *$//')"
}

(cd /usr/local/lib/aerial && python3 -B -m deliver.apply --files-only <"$stage/delivery.json")

# In place of systemd, which is not here.
cat >/usr/local/sbin/systemctl <<'END'
#!/bin/sh
case "$*" in
    "--quiet enable --now aerial-ending.service")
        echo started >>/tmp/started
        [ "$(wc -l </tmp/started)" -gt 1 ] || /usr/local/lib/aerial/ending >/tmp/ending.log 2>&1 &
        ;;
    "--no-block poweroff") date +%s >/tmp/off ;;
    *) exec /usr/local/lib/systemctl "$@" ;;
esac
END
chmod +x /usr/local/sbin/systemctl
install -m 0755 "$stage/systemctl.py" /usr/local/lib/systemctl
export PATH="/usr/local/sbin:$PATH"

mkdir -p /run/aerial /run/aerial-feed /run/aerial-nginx /var/lib/aerial/certificate /var/lib/aerial-standby
install -d -m 0750 -g www-data /var/log/aerial-nginx
/usr/local/sbin/aerial-certificate ensure >/dev/null 2>&1
/usr/local/lib/aerial/resolver /run/aerial-nginx/resolver.conf
ffmpeg -v error -f lavfi -i sine=440:d=10 -ac 2 -ar 44100 -b:a 192k -f mp3 -write_xing 0 -id3v2_version 0 /var/lib/aerial-standby/mp3-192
ffmpeg -v error -f lavfi -i sine=440:d=10 -ac 2 -ar 44100 -b:a 64k -c:a aac -f adts /var/lib/aerial-standby/aac-64

# Starts the Icecast and the NGINX of a slot, as a delivery does.
start_slot() {
    systemctl start "aerial-icecast@$1.service"
    for _ in $(seq 60); do
        sleep 0.5
        ! /usr/local/lib/aerial/slot-well icecast "$1" 2>/dev/null || break
    done
    systemctl start "aerial-nginx@$1.service"
    sleep 1
}

systemctl start aerial-feed.service
start_slot a
for _ in $(seq 60); do
    sleep 0.5
    ! /usr/local/lib/aerial/check 2>/dev/null || break
done
/usr/local/lib/aerial/check 2>&1 | report check

# Each writes how its connection ended, and when: `fin 12.3`, or `cut` with the error.
cat >/tmp/listen.py <<'END'
import socket, ssl, sys, time

address, mount, tls = sys.argv[1], sys.argv[2], sys.argv[3] == "tls"
plain = socket.create_connection(("127.0.0.1", 443 if tls else 80), source_address=(address, 0))
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
connection = context.wrap_socket(plain, suppress_ragged_eofs=False) if tls else plain
connection.settimeout(120)
connection.sendall(f"GET {mount} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
heard = 0
try:
    while piece := connection.recv(65536):
        heard += len(piece)
    print(f"fin {time.time():.1f} {'heard' if heard > 10000 else 'nothing'}")
except OSError as reason:
    print(f"cut {reason}")
END
number=0
listen() {
    for mount in /main.mp3 /main.mp3 /main.aac; do
        number=$((number + 1))
        if [ $((number % 2)) -eq 0 ]; then kind=tls; else kind=plain; fi
        python3 /tmp/listen.py "127.0.1.$number" "$mount" "$kind" >"/tmp/listener-$number" 2>&1 &
    done
    for _ in $(seq 40); do
        sleep 0.5
        case $(/usr/local/sbin/aerial-drain status) in *"\"listeners\":$number}") break ;; esac
    done
}
listen
start_slot b
systemctl start aerial-drain-slot@a.service
sleep 1
listen
curl --silent http://127.0.0.1:8079/status | jq --compact-output '[.slot, .drains.a.listeners["/main.mp3", "/main.aac"]]' |
    report slots

{ /usr/local/sbin/aerial-drain end 10 soon 2 2>&1 || true; } | report misused
{ /usr/local/sbin/aerial-drain end 10 1 0 2>&1 || true; } | report "nobody a second"
find /var/lib/aerial -name ending.json | report "a plan by misuse"
began=$(date +%s)
/usr/local/sbin/aerial-drain end 8 2 2 | report end
/usr/local/sbin/aerial-drain end 600 600 1 | report "end again"
curl --silent --write-out ' %{http_code}' http://127.0.0.1/healthz | report healthz
sleep 5
cat /tmp/listener-* | wc -l | report "ended before their time"
newcomer() {
    curl --silent --max-time 1 --output /dev/null --write-out '%{http_code}' --interface 127.0.2.1 http://127.0.0.1/main.mp3 || true
}
newcomer | report "newcomer before"
for _ in $(seq 100); do
    [ ! -e /run/aerial/closed ] || break
    sleep 0.1
done
newcomer | report "newcomer while it closes"
/usr/local/lib/aerial/check 2>&1 | report "check while it closes"
for _ in $(seq 60); do
    [ ! -e /tmp/off ] || break
    sleep 0.5
done
[ -e /tmp/off ] && echo "$(($(cat /tmp/off) - began))" | report "off after"
sleep 1
cut -d ' ' -f 1,3 /tmp/listener-* | sort | uniq -c | report listeners
cut -d ' ' -f 2 /tmp/listener-* | sort -n | awk 'NR == 1 { first = $1 } { last = $1 } END { print last - first }' | report spread
/usr/local/sbin/aerial-drain status --wait 10 | report "status at the end"
report "ending says" </tmp/ending.log
cat /tmp/aerial-nginx@?.service.log | grep -E '\[(alert|emerg|crit|error)\]|exited on signal' | grep -vE 'connect\(\) (to .* )?failed|upstream timed out|recv\(\) failed|could not be resolved|no resolver' | head -n 5 | report "nginx says"
