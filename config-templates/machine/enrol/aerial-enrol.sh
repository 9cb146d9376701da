#!/bin/sh
# Enrolment of a new machine's SSH host key.
#
# User data can be read by any process of the machine, so the host key that identifies it for good must not be in
# there. User data carries a key for the first contact only; over that contact the real one arrives.
#
#   aerial-enrol install   reads the real host key from standard input and opens SSH with it; can be repeated
#   aerial-enrol seal      ends the first contact: closes its port, destroys its key wherever it lies on this disk
set -eu

host_key=/etc/ssh/aerial_host_key
enrol_key=/etc/aerial/enrol/host_key

install_key() {
    umask 077
    cat >"$host_key.new"
    if ! ssh-keygen -y -P '' -f "$host_key.new" >"$host_key.pub.new" 2>/dev/null; then
        rm -f "$host_key.new" "$host_key.pub.new"
        echo "aerial-enrol: standard input is no OpenSSH private key without a passphrase" >&2
        exit 1
    fi
    sync "$host_key.new"
    mv "$host_key.pub.new" "$host_key.pub"
    mv "$host_key.new" "$host_key"
    systemctl unmask --quiet ssh.service
    systemctl restart ssh.service
    echo "host key installed: $(ssh-keygen -l -f "$host_key.pub")"
}

seal() {
    systemctl disable --quiet --now aerial-enrol.service
    if [ -e "$enrol_key" ]; then
        # cloud-init keeps copies of the user data in several forms. Overwriting the key's lines with as many other
        # characters leaves all of them readable for cloud-init.
        grep -v -e '-----' "$enrol_key" | while read -r line; do
            grep -rlF -e "$line" /var/lib/cloud /run/cloud-init 2>/dev/null | while read -r file; do
                LINE="$line" perl -pi -e 's/\Q$ENV{LINE}\E/"x" x length($ENV{LINE})/ge' "$file"
            done
        done
        shred -u "$enrol_key"
    fi
    echo "first contact closed"
}

case "${1:-}" in
    install) install_key ;;
    seal) seal ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
