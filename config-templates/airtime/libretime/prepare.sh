#!/bin/sh
# Makes the folders on the volume that LibreTime needs: `prepare VOLUME`. Its containers' user is 1000.
set -eu

folder=$1/libretime
mkdir -p "$folder/storage/imported" "$folder/postgres"
if [ "$(stat -c %u:%g "$folder/storage/imported")" != 1000:1000 ]; then
    chown -R --no-dereference 1000:1000 "$folder/storage"
fi
# A first start that was interrupted leaves what PostgreSQL would take for somebody else's files.
if [ ! -s "$folder/postgres/PG_VERSION" ] || [ ! -s "$folder/postgres/global/pg_control" ]; then
    rm -rf "$folder/postgres"
    mkdir "$folder/postgres"
fi
