#!/bin/sh
# Makes the folders on the volume that the playout needs: `prepare VOLUME CHANNEL...`. Users have other numbers on another
# machine, so that owners are set anew where the volume has come from one.
set -eu

volume=$1
shift

own() {
    path=$1 user=$2 group=$3 mode=$4
    mkdir -p "$path"
    if [ "$(stat -c %U:%G "$path")" != "$user:$group" ]; then
        chown -R --no-dereference "$user:$group" "$path"
    fi
    chmod "$mode" "$path"
}

chmod 0755 "$volume"
# The station's people come as this user, over SFTP.
own "$volume/library" aerial aerial 0755
for channel in "$@"; do
    own "$volume/library/$channel" aerial aerial 0755
done
own "$volume/playout" liquidsoap postgres 2770
own "$volume/playout/played" liquidsoap postgres 2770
own "$volume/postgresql" postgres postgres 0700

if [ ! -e "$volume/schedule.txt" ]; then
    cp /usr/local/share/aerial/schedule.txt "$volume/schedule.txt.new"
    sync "$volume/schedule.txt.new"
    mv "$volume/schedule.txt.new" "$volume/schedule.txt"
fi
chown aerial:aerial "$volume/schedule.txt"
chmod 0644 "$volume/schedule.txt"

for name in library schedule.txt; do
    ln -sfn "$volume/$name" "/home/aerial/$name"
done
