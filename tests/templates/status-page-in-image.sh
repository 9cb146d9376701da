#!/bin/bash
# Serves the status page in the base image: /installed holds what a delivery puts on the monitoring machine. Writes lines
# `NAME: TEXT`.
# shellcheck disable=SC2016 # a password with a dollar sign
set -eu
# Whoever runs it outside of the image, by mistake, runs nothing.
[ -e /installed/etc ]

cp -a /installed/. /
ip link set lo up
report() {
    printf '%s: %s\n' "$1" "$(tr '\n' ' ' | sed 's/^ *//;s/  */ /g;s/ *$//')"
}
as_its_unit() {
    setpriv --reuid=www-data --regid=www-data --init-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service "$@"
}
ask() {
    curl --silent --insecure --max-time 3 "$@" || true
}

cd /etc/systemd/system
systemd-analyze verify --man=no --recursive-errors=no aerial-status-page.service aerial-nginx.service \
    aerial-certificate.service aerial-certificate.timer 2>&1 | report units

mkdir -p /run/aerial-nginx /var/lib/aerial
chown www-data: /run/aerial-nginx
/usr/local/sbin/aerial-certificate prepare
openssl x509 -in /var/lib/aerial/certificate/served.pem -noout -ext subjectAltName | tail -n 1 | report certificate
/usr/local/lib/aerial/team-users /etc/aerial/status-page/team-password /run/aerial-nginx/team-users
stat -c '%a %U:%G' /run/aerial-nginx/team-users | report "password file"
cut -c 1-8 /run/aerial-nginx/team-users | report "password hash"
as_its_unit nginx -q -t -c /etc/aerial/status-page/nginx.conf 2>&1 | report check

# There is no Prometheus: the page says so.
install -d -o www-data -g www-data /var/lib/aerial/status-page
runuser -u www-data -- /usr/local/lib/aerial/aerial-status-page /etc/aerial/status-page/settings.json --once 2>&1 | report program
as_its_unit /usr/sbin/nginx -c /etc/aerial/status-page/nginx.conf 2>/tmp/nginx.log &
for _ in $(seq 50); do
    [ "$(ask --output /dev/null --write-out '%{http_code}' https://127.0.0.1/)" = 000 ] || break
    sleep 0.1
done

page=https://127.0.0.1
for path in / /page.css /page.js /icon.svg /status.json /past.json /nothing /team/nothing /settings.json /..%2fsettings.json; do
    ask --path-as-is --output /dev/null --write-out '%{http_code} %{content_type}' "$page$path" | report "everyone $path"
done
for path in /team/ /team/status.json; do
    ask --output /dev/null --write-out '%{http_code}' "$page$path" | report "stranger $path"
    ask --output /dev/null --write-out '%{http_code}' --user team:wrong "$page$path" | report "wrong password $path"
    ask --output /dev/null --write-out '%{http_code} %{content_type}' --user 'team:a $ecret' "$page$path" | report "team $path"
done
ask "$page/status.json" | jq --compact-output '[.onAir.state, (.parts | keys)]' | report "everyone sees"
ask --user 'team:a $ecret' "$page/team/status.json" | jq --compact-output '.parts | keys' | report "the team sees"
ask --head "$page/" | tr -d '\r' | grep -i '^content-security-policy' | report policy
ask --head "$page/status.json" | tr -d '\r' | grep -i '^cache-control' | report keep
ask --output /dev/null --write-out '%{http_code} %{redirect_url}' http://127.0.0.1/x | report "port 80"
echo proof >/var/lib/aerial/challenges/.well-known/acme-challenge/token
ask http://127.0.0.1/.well-known/acme-challenge/token | report challenge
cat /tmp/nginx.log >&2
echo done: yes
