#!/bin/sh
# Makes the database cluster on a fresh volume, and takes one over as it is: `database FOLDER`, as postgres.
set -eu

folder=$1
version=17
programs=/usr/lib/postgresql/$version/bin
data=$folder/$version

if [ ! -s "$data/PG_VERSION" ]; then
    for other in "$folder"/*/PG_VERSION; do
        if [ -e "$other" ] && [ "${other%/PG_VERSION}" != "$data.new" ]; then
            echo "$other is of another PostgreSQL than $version: move ${other%/PG_VERSION} away and restore the newest dump" >&2
            exit 1
        fi
    done
    if [ -e "$data" ]; then
        echo "$data is no database: move it away, and a new one is made" >&2
        exit 1
    fi
    # Under its name only once it is complete and on disk.
    rm -rf "$data.new"
    "$programs/initdb" --pgdata="$data.new" --username=postgres --auth-local=peer --auth-host=reject \
        --encoding=UTF8 --locale=C.UTF-8 --data-checksums >/dev/null
    mv "$data.new" "$data"
    sync "$folder"
fi

# After a power cut, or from another machine: nobody else runs it, and a number in it may be somebody else's by now.
if ! pgrep --uid postgres --exact postgres >/dev/null; then
    rm -f "$data/postmaster.pid"
fi
