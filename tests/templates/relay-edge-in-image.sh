#!/bin/sh
# Runs a Relay's edge in the base image, with two false Masters at 127.0.0.11 and .12: `relay-edge-in-image.sh STAGE`.
# STAGE holds the rendered files. Two listeners are on from before the first attack to the drain, one of them over TLS.
# Writes results as lines `NAME: TEXT`.
set -eu

stage=$1
cp -a "$stage/files/." /
ip link set lo up
echo 4096 >/proc/sys/net/core/somaxconn

report() {
    printf '%s: %s\n' "$1" "$(tr '\n' ' ' | sed 's/^ *//;s/  */ /g;s/ *$//')"
}
request() {
    curl --silent --insecure --max-time 2 --output /dev/null --write-out '%{http_code} %header{content-type}' "$@" || true
}

# The station's own authority, and a public one.
new_key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
mkdir /pki
cd /pki
authority() {
    # shellcheck disable=SC2086 # several words
    openssl req -x509 $new_key -days 9 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
# NAME AUTHORITY EXTENSIONS [OPTION…]: a certificate
certify() {
    name=$1 by=$2 extensions=$3
    shift 3
    # shellcheck disable=SC2086
    openssl req $new_key -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>/dev/null
    echo "$extensions" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" -CAcreateserial -extfile "$name.ext" \
        -out "$name.pem" "$@" 2>/dev/null
}
authority station
authority stranger
authority root
certify middle root basicConstraints=critical,CA:TRUE -days 8
certify master-a.radio.test station subjectAltName=DNS:master-a.radio.test -days 5
certify master-b.radio.test station subjectAltName=DNS:master-b.radio.test -days 5
certify b-impostor stranger subjectAltName=DNS:master-b.radio.test -days 5
ours=subjectAltName=DNS:stream.radio.test,DNS:ams3.stream.radio.test,DNS:nyc3.stream.radio.test
certify short middle "$ours" -days 2
certify long middle "$ours" -days 4
certify longest middle "$ours" -days 6
certify foreign middle subjectAltName=DNS:stream.radio.test -days 7
certify expired middle "$ours" -days 0
join() {
    cat "$1.pem" middle.pem "$1.key" >"$1.whole"
}
for name in short long longest foreign expired; do
    join "$name"
done
cat long.pem middle.pem short.key >misfit.whole
cat long.pem long.key >chainless.whole
head -c 300 long.whole >torn.whole

# The false Masters: port 80 for challenges, 8444 for certificates.
password=false-password
master() {
    root=/masters/$1
    mkdir -p "$root/80/.well-known/acme-challenge" "$root/8444"
    echo "relay-2:{SHA}$(printf %s "$password" | openssl sha1 -binary | base64)" >"$root/users"
    cat >"$root/nginx.conf" <<END
pid $root/pid;
error_log $root/error.log;
events { }
http {
    access_log off;
    client_body_temp_path $root/t; proxy_temp_path $root/t; fastcgi_temp_path $root/t;
    uwsgi_temp_path $root/t; scgi_temp_path $root/t;
    server { listen $2:80 reuseport; root $root/80; }
    server {
        listen $2:8444 ssl;
        ssl_certificate /pki/$3.pem;
        ssl_certificate_key /pki/$3.key;
        auth_basic links;
        auth_basic_user_file $root/users;
        root $root/8444;
    }
}
END
    nginx -c "$root/nginx.conf" 2>/dev/null
}
chmod -R a+rX /pki
offer() {
    rm -f /masters/*/8444/certificate.pem
    [ "$1" = - ] || cp "/pki/$1.whole" /masters/a/8444/certificate.pem
    [ "$2" = - ] || cp "/pki/$2.whole" /masters/b/8444/certificate.pem
    chmod -f a+r /masters/*/8444/* || true
}

jq --rawfile ca /pki/station.pem '.secrets.files["ca.pem"] = $ca' "$stage/delivery.json" |
    (cd /usr/local/lib/aerial && python3 -B -m deliver.apply --files-only)

# In place of systemd, which is not here.
cat >/usr/local/sbin/systemctl <<'END'
#!/bin/sh
case "$*" in
    "try-reload-or-restart aerial-nginx@*.service")
        echo reload >>/tmp/reloads
        nginx -q -t -c /etc/aerial/nginx/a.conf 2>/dev/null && kill -HUP "$(cat /run/aerial-nginx/a.pid)"
        ;;
    "--quiet disable --now aerial-ending.service") ;;
    "kill --kill-whom=main --signal=USR1 aerial-nginx@*.service") kill -USR1 "$(cat /run/aerial-nginx/a.pid)" ;;
    "kill --kill-whom=all --signal=USR1 aerial-nginx@*.service")
        pid=$(cat /run/aerial-nginx/a.pid)
        # shellcheck disable=SC2046 # several words
        kill -USR1 "$pid" $(pgrep -P "$pid")
        ;;
    *) exit 1 ;;
esac
END
chmod +x /usr/local/sbin/systemctl
export PATH="/usr/local/sbin:$PATH"
: >/tmp/reloads

mkdir -p /run/aerial /run/aerial-feed /run/aerial-nginx /var/lib/aerial/certificate /var/lib/aerial-standby
install -d -m 0750 -g www-data /var/log/aerial-nginx
/usr/local/sbin/aerial-certificate ensure 2>&1 | report "first certificate"
/usr/local/sbin/aerial-certificate ensure 2>&1 | report "second certificate"
stat -c %a /var/lib/aerial/certificate/certificate.pem | report "certificate mode"
/usr/local/lib/aerial/resolver /run/aerial-nginx/resolver.conf

# The audio needs no words here.
ffmpeg -v error -f lavfi -i sine=440:d=10 -ac 2 -ar 44100 -b:a 192k -f mp3 -write_xing 0 -id3v2_version 0 /var/lib/aerial-standby/mp3-192
ffmpeg -v error -f lavfi -i sine=440:d=10 -ac 2 -ar 44100 -b:a 64k -c:a aac -f adts /var/lib/aerial-standby/aac-64
setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /etc/aerial/icecast/a.xml 2>/tmp/icecast.log &
icecast=$!
nginx -c /etc/aerial/nginx/a.conf -g 'daemon off;' 2>/tmp/nginx.log &
CREDENTIALS_DIRECTORY=/etc/aerial/feed \
    /usr/local/lib/aerial/aerial-feed /etc/aerial/feed/feed.json /var/lib/aerial-standby /run/aerial-feed >/tmp/feed.log 2>&1 &
for _ in $(seq 30); do
    sleep 0.5
    ! /usr/local/lib/aerial/check 2>/dev/null || break
done
/usr/local/lib/aerial/check 2>&1 | report check
/usr/local/lib/aerial/listen-backlog "$icecast" 1000 2>&1 | report "listen-backlog"
ss -Hlnt 'sport >= :8000 and sport <= :8015' | awk '{ print $3 }' | sort | uniq -c | report "queues of Icecast"

# The witnesses, at addresses of their own.
witness() {
    curl --silent --insecure --no-buffer --interface "$1" --output "/tmp/$1" "$2" &
}
witness 127.0.1.1 http://127.0.0.1/main.mp3
witness_a=$!
witness 127.0.1.2 https://127.0.0.1/main.mp3
witness_b=$!
witnessed_since=$(date +%s)

# TLS.
handshake() {
    openssl s_client -connect 127.0.0.1:443 -servername stream.radio.test "$@" </dev/null 2>&1
}
for version in tls1 tls1_1 tls1_2 tls1_3; do
    handshake "-$version" -cipher 'DEFAULT@SECLEVEL=0' | grep -cE '^ *New, TLSv1.*Cipher is [A-Z]' | report "handshake $version"
done
handshake | openssl x509 -noout -text | grep -oE 'NIST CURVE: .*|CN ?= ?self-made' | sort -u | report "served first"
handshake -tls1_2 -sess_out /tmp/session >/dev/null || true
handshake -tls1_2 -sess_in /tmp/session | grep -oE '^(Reused|New), TLSv1..' | report "session again"

# What players ask for.
request https://127.0.0.1/main.mp3 | report "https mount"
printf 'GET /main.mp3 HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n' | timeout 2 nc 127.0.0.1 80 | head -c 400 | tr -d '\r' |
    grep -aoiE '^(HTTP/1.. 200|icy-metaint|icy-name|transfer-encoding)' | tr '[:upper:]' '[:lower:]' | sort | report "HTTP/1.0 without Host"
for kind in m3u pls xspf; do
    request "https://127.0.0.1/main.mp3.$kind" | report "playlist $kind"
done
curl --silent http://127.0.0.1/main.mp3.m3u | sed -n 3p | report "first in m3u"
sleep 6
curl --silent http://127.0.0.1/status.json | report status.json
curl --silent --head http://127.0.0.1/status.json | grep -ic '^access-control-allow-origin: \*' | report "status.json elsewhere"
curl --silent http://127.0.0.1:8079/metrics | grep -E '^aerial_relay_(healthy|listeners|certificate_self_made)' | report metrics

# Challenges.
echo proof >/masters-token
master a 127.0.0.11 master-a.radio.test
master b 127.0.0.12 master-b.radio.test
cp /masters-token /masters/b/80/.well-known/acme-challenge/token_1
curl --silent --write-out ' %{http_code}' http://127.0.0.1/.well-known/acme-challenge/token_1 | report "challenge of b"
request http://127.0.0.1/.well-known/acme-challenge/token_2 | report "challenge of nobody"
request --path-as-is http://127.0.0.1/.well-known/acme-challenge/../users | report "challenge that is none"

# Certificates. Each line: what was said, what is served.
served() {
    handshake | openssl x509 -noout -subject -nameopt RFC2253 | sed 's/.*CN=/ => /'
}
take() {
    { /usr/local/sbin/aerial-certificate "${2:-fetch}" 2>&1 || true; sleep 0.5; served; } | report "$1"
}
take "none yet"
for bad in foreign expired misfit chainless torn; do
    offer "$bad" -
    take "offer $bad"
done
sed 's/basic/Basic/;s/[A-Za-z0-9+/=]*$/eDp5/' /etc/aerial/certificate/authorization >/tmp/wrong
mv /etc/aerial/certificate/authorization /tmp/right
cp /tmp/wrong /etc/aerial/certificate/authorization
offer short -
take "wrong password"
cp /tmp/right /etc/aerial/certificate/authorization

# Health is asked all the time while certificates change.
: >/tmp/health
while :; do
    curl --silent --max-time 1 --output /dev/null --write-out '%{http_code}\n' http://127.0.0.1/healthz >>/tmp/health || true
    sleep 0.03
done &
asking=$!
take "first real" poll
offer long long
take "newer, too early" poll
take "newer"
take "the same"
offer - short
take "older"
kill -STOP "$(cat /masters/a/pid)"
pgrep -P "$(cat /masters/a/pid)" >/tmp/frozen
xargs kill -STOP </tmp/frozen
offer - longest
before=$(date +%s)
take "a is frozen"
echo "$(($(date +%s) - before))" | report "a is frozen, seconds"
curl --silent --write-out ' %{http_code}' http://127.0.0.1/.well-known/acme-challenge/token_1 | report "challenge, a is frozen"
xargs kill -CONT </tmp/frozen
kill -CONT "$(cat /masters/a/pid)"
kill "$(cat /masters/b/pid)"
sleep 0.5
master b 127.0.0.12 b-impostor
take "an impostor"
sleep 3
kill "$asking"
sort /tmp/health | uniq -c | awk '{ print $2, ($1 > 50 ? "often" : $1) }' | report "healthz meanwhile"
wc -l </tmp/reloads | report reloads
/usr/local/sbin/aerial-certificate status | grep -o '"selfMade":[a-z]*' | report "certificate status"
cp /pki/torn.whole /var/lib/aerial/certificate/certificate.pem
/usr/local/sbin/aerial-certificate ensure 2>&1 | report "damaged on disk"

# Who is no listener.
for path in / /admin /admin/stats /status /metrics /drain /server_version.xsl /came/main.mp3 /main.mp3/ /x.m3u /../secrets.conf; do
    request --path-as-is "https://127.0.0.1$path" | report "GET $path"
done
for path in /main.mp3 /admin/metadata /; do
    for method in PUT SOURCE POST DELETE TRACE; do
        request --request "$method" "https://127.0.0.1$path" | report "$method $path"
    done
done
printf 'SOURCE /main.mp3 ICE/1.0\r\n\r\n' | timeout 2 nc 127.0.0.1 80 | head -c 100 | grep -oE '40[0-9] [A-Z][a-z]+' | head -n 1 | report "SOURCE of old encoders"
head -c 20000 /dev/urandom | timeout 2 nc 127.0.0.1 80 | head -c 100 | grep -aoE ' 400 ' | head -n 1 | report noise
for scheme in http https; do
    request --header "X: $(head -c 65536 /dev/zero | tr '\0' x)" "$scheme://127.0.0.1/main.mp3" | report "64 KiB header, $scheme"
done
python3 - <<'END' | report "slow header"
import socket, ssl, time

def slow(port, wrap):
    began = time.monotonic()
    plain = socket.create_connection(("127.0.0.1", port))
    plain.settimeout(30)
    try:
        connection = wrap(plain)
        connection.sendall(b"GET /main.mp3 HTTP/1.1\r\nHost: x\r\n")
        while time.monotonic() < began + 24:
            connection.sendall(b"X")
            connection.settimeout(1)
            try:
                if connection.recv(1000) == b"":
                    break
            except TimeoutError:
                pass
    except OSError:
        pass
    return round(time.monotonic() - began) <= 22

context = ssl._create_unverified_context()
import concurrent.futures
with concurrent.futures.ThreadPoolExecutor() as pool:
    tries = [
        pool.submit(slow, 80, lambda plain: plain),
        pool.submit(slow, 443, context.wrap_socket),
        pool.submit(slow, 443, lambda plain: plain),
    ]
print("cut" if all(one.result() for one in tries) else "endured")
END
: >/tmp/crowd
for _ in 1 2 3 4 5 6; do
    request --interface 127.0.1.3 http://127.0.0.1/main.mp3 | cut -d' ' -f1 >>/tmp/crowd &
    sleep 0.1
done
request --interface 127.0.1.4 http://127.0.0.1/main.mp3 | report "the neighbour of a crowd"
sleep 3
sort /tmp/crowd | report "6 of one address, limit 5"
for _ in $(seq 40); do
    request --interface 127.0.1.5 http://127.0.0.1/status.json | cut -d' ' -f1
done | sort -u | report "40 requests at once, limit 5 a second"

# Log.
dd if=/dev/zero bs=1M count=65 2>/dev/null | tr '\0' '\n' >>/var/log/aerial-nginx/access.log
/usr/local/lib/aerial/access-log 2>&1 | report "log, rotating"
request http://127.0.0.1/main.mp3 >/dev/null
sleep 6
grep -c '"mount":"/main.mp3","status":200' /var/log/aerial-nginx/access.log | report "log, afterwards"
for _ in /var/log/aerial-nginx/*; do echo file; done | wc -l | report "log, files"
gzip -cd /var/log/aerial-nginx/access-*.gz | grep -c '"listener":"127.0.1.3".*"status":503' | report "log, refusals"

# Draining.
/usr/local/sbin/aerial-drain start | report "drain start"
curl --silent --write-out ' %{http_code}' http://127.0.0.1/healthz | report "draining healthz"
request --interface 127.0.1.6 http://127.0.0.1/main.mp3 | report "new listener, draining"
before=$(date +%s)
/usr/local/sbin/aerial-drain status --wait 4 | report "drain, time over"
echo "$(($(date +%s) - before))" | report "drain, time over, seconds"
for pid in $witness_a $witness_b; do
    kill -0 "$pid" 2>/dev/null && echo on || echo off
done | report "witnesses at the end"
seconds=$(($(date +%s) - witnessed_since))
for address in 127.0.1.1 127.0.1.2; do
    # 8 s come at once; two more are for Icecast's blocks and NGINX's buffers.
    awk -v bytes="$(stat -c %s "/tmp/$address")" -v seconds="$seconds" \
        'BEGIN { surplus = bytes / 24000 - seconds; print (surplus > 5 && surplus < 12 ? "all" : surplus) }'
done | report "witnesses heard"
(sleep 3 && kill "$witness_a" "$witness_b") &
before=$(date +%s)
/usr/local/sbin/aerial-drain status --wait 60 | report "drain, none left"
[ $(($(date +%s) - before)) -lt 20 ] && echo yes | report "drain, ends early"
/usr/local/sbin/aerial-drain stop | report "drain stop"
request http://127.0.0.1/healthz | report "healthz after the drain"
{ /usr/local/sbin/aerial-drain start --wait soon 2>&1 || true; } | report "drain, misused"

# The workers from before the reloads go once their last listener has left.
sleep 2
pgrep -c -f 'nginx: worker process is shutting down' | report "old workers"

grep -E '\[(alert|emerg|crit|error)\]|exited on signal' /tmp/nginx.log | grep -vE 'SSL_do_handshake|connect\(\) failed|upstream timed out|recv\(\) failed|could not be resolved|no resolver' | head -n 5 | report "nginx says"

# Icecast is gone: the samples that NGINX has are of no use soon.
kill "$icecast"
for _ in $(seq 30); do
    sleep 1
    left=$(curl --silent http://127.0.0.1/status.json | jq .listeners)
    [ "$left" != null ] || break
done
echo "$left" | report "listeners, without Icecast"
