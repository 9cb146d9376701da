#!/bin/sh
# Makes NGINX's password file for the user `team`: `team-users PASSWORD_FILE USERS_FILE`. Without a password, nobody is let in.
set -eu
umask 027

: >"$2.new"
if [ -s "$1" ]; then
    hash=$(openssl passwd -6 -stdin <"$1")
    printf 'team:%s\n' "$hash" >"$2.new"
fi
chgrp www-data "$2.new"
mv "$2.new" "$2"
