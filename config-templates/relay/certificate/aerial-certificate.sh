#!/bin/sh
# The public certificate of this Relay: `aerial-certificate fetch|poll|ensure|status`.
#
#   fetch   takes the newest good one that a Master has, and lets NGINX use it without losing a listener
#   poll    the same, at most every 5 minutes once there is a real one; for the timer
#   ensure  makes one of its own when there is none that NGINX could load, for before it starts
#   status  prints { "selfMade": …, "notAfter": seconds since 1970 }
set -eu
umask 077

settings=/etc/aerial/certificate
state=/var/lib/aerial/certificate
# Chain and key in one file, so that they are replaced together.
held=$state/certificate.pem
poll_minutes=5

say() {
    echo "aerial-certificate: $*" >&2
}

fingerprint() {
    openssl x509 -noout -fingerprint -sha256 2>/dev/null
}

expiry() {
    date -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s
}

loads() {
    key=$(openssl pkey -in "$1" -passin pass: -pubout 2>/dev/null) || return 1
    [ "$key" = "$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null)" ]
}

self_made() {
    [ "$(openssl x509 -in "$1" -noout -subject_hash)" = "$(openssl x509 -in "$1" -noout -issuer_hash)" ]
}

# Says why a certificate cannot be used here; nothing when it can.
against() {
    loads "$1" || {
        echo "certificate and key do not belong together"
        return
    }
    openssl x509 -in "$1" -out "$work/leaf.pem"
    awk '/-----BEGIN CERTIFICATE-----/ { n++ } n > 1 && !/PRIVATE KEY/ { print } ' "$1" |
        sed '/-----BEGIN .*PRIVATE KEY/,/-----END .*PRIVATE KEY/d' >"$work/chain.pem"
    if ! grep -q 'BEGIN CERTIFICATE' "$work/chain.pem"; then
        echo "it has no chain"
        return
    fi
    while read -r name; do
        # The roots are the listeners' business; this proves signature, dates, purpose and name.
        if ! answer=$(openssl verify -partial_chain -trusted "$work/chain.pem" -purpose sslserver \
            -verify_hostname "$name" "$work/leaf.pem" 2>&1); then
            echo "$name: $(echo "$answer" | grep -i '^error [0-9]' | head -n 1)"
            return
        fi
    done <"$settings/names"
}

describe() {
    if self_made "$held"; then own=true; else own=false; fi
    echo "{\"selfMade\":$own,\"notAfter\":$(expiry "$held")}" >"$state/.certificate.json"
    chmod 0644 "$state/.certificate.json"
    mv "$state/.certificate.json" "$state/certificate.json"
}

# In one step: NGINX, or a power cut, sees the old one or the new one.
install_certificate() {
    cat "$1" >"$state/.certificate.pem"
    sync "$state/.certificate.pem"
    mv "$state/.certificate.pem" "$held"
    describe
}

ensure() {
    if [ -e "$held" ] && loads "$held"; then
        describe
        return
    fi
    names=$(sed 's/^/DNS:/' "$settings/names" | paste -sd,)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=self-made" \
        -addext "subjectAltName=$names" -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
    cat "$work/cert.pem" "$work/key.pem" >"$work/own.pem"
    install_certificate "$work/own.pem"
    say "made a certificate of my own until there is a real one"
}

fetch() {
    none=
    newest=0
    best=
    if [ -e "$held" ] && ! self_made "$held" && [ -z "$(against "$held")" ]; then
        newest=$(expiry "$held")
    fi
    # All are asked: one that is up may still have the older certificate.
    while read -r tls_name host port; do
        candidate=$work/from-$tls_name.pem
        if ! code=$(curl --silent --show-error --noproxy '*' --proto =https --tlsv1.2 --cacert /etc/aerial/nginx/ca.pem \
            --header "@$settings/authorization" --connect-to "$tls_name:$port:$host:$port" --connect-timeout 3 \
            --max-time 8 --max-filesize 65536 --output "$candidate" --write-out '%{http_code}' \
            "https://$tls_name:$port/certificate.pem" </dev/null); then
            say "$tls_name gives no answer"
            continue
        fi
        case $code in
            200) ;;
            404)
                none=yes
                continue
                ;;
            *)
                say "$tls_name answers $code"
                continue
                ;;
        esac
        reason=$(against "$candidate")
        if [ -n "$reason" ]; then
            say "$tls_name has a certificate that is of no use: $reason"
        elif [ "$(expiry "$candidate")" -gt "$newest" ]; then
            newest=$(expiry "$candidate")
            best=$candidate
        fi
    done <"$settings/masters"

    cp "$held" "$work/before.pem"
    [ -z "$best" ] || install_certificate "$best"
    touch "$state/asked"
    load
    [ -z "$best" ] || say "installed a certificate that is valid until $(date -u -d "@$newest" +%FT%TZ)"
}

# Also completes what an interrupted run has left: what counts is what NGINX shows.
load() {
    served=$(timeout 5 openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | fingerprint) || return 0
    if [ "$served" = "$(fingerprint <"$held")" ]; then
        return 0
    fi
    if ! systemctl try-reload-or-restart 'aerial-nginx@*.service'; then
        install_certificate "$work/before.pem"
        say "NGINX refuses the new certificate: the old one stays"
        exit 1
    fi
}

# By what was noted of the present one: the timer comes too often for looking into it each time.
due() {
    ! grep -qs '"selfMade":false' "$state/certificate.json" ||
        [ -z "$(find "$state/asked" -mmin "-$poll_minutes" 2>/dev/null)" ]
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case ${1:-} in
    fetch | poll | ensure | arrive)
        exec 9>"$state/lock"
        flock --wait 60 9
        ;;
esac
case ${1:-} in
    ensure) ensure ;;
    fetch)
        ensure
        fetch
        ;;
    poll)
        due || exit 0
        ensure
        fetch
        ;;
    arrive)
        # For a machine that is about to get listeners: fails only where asking again is of use. A station that begins
        # has no certificate anywhere.
        ensure
        fetch
        ! self_made "$held" || [ -n "$none" ]
        ;;
    status) cat "$state/certificate.json" ;;
    *)
        say "usage: aerial-certificate fetch|poll|ensure|arrive|status"
        exit 2
        ;;
esac
