#!/bin/sh
# Starts LibreTime's containers, or lets them read their new configuration: `libretime start|reload FOLDER`.
# No password is an argument: they travel by standard input.
set -eu

command=$1
folder=$2
password_file=/etc/aerial/libretime/database-password
admin_file=$folder/admin-password

sql() {
    docker compose exec -T postgres psql --username=libretime --dbname=libretime --quiet --no-align --tuples-only \
        --set=ON_ERROR_STOP=1 --file=-
}

docker compose up --detach --wait postgres rabbitmq

# The volume may come from another machine, which had another password.
printf "alter role libretime password '%s';\n" "$(cat "$password_file")" | sql

docker compose run --rm -T --no-deps api libretime-api migrate

# Migration makes a user admin whose password everybody knows; nothing listens until it has another. One that a person
# has chosen, or a restore has brought, stays.
if [ "$(echo "select count(*) from cc_subjs where login = 'admin' and pass = md5('admin');" | sql)" != 0 ]; then
    if [ ! -s "$admin_file" ]; then
        umask 077
        head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$admin_file.new"
        sync "$admin_file.new"
        mv "$admin_file.new" "$admin_file"
    fi
    printf "update cc_subjs set pass = md5('%s') where login = 'admin';\n" "$(cat "$admin_file")" | sql
    echo "the password of LibreTime's user admin is in $admin_file"
fi

if [ "$command" = reload ]; then
    # They read their configuration only when they start.
    docker compose up --detach --wait --no-deps --force-recreate playout liquidsoap analyzer worker api legacy
fi
docker compose up --detach --wait --remove-orphans
