#!/bin/sh
# Makes sure that the volume is mounted, and as large as its disk: `volume NAME FOLDER`.
# DigitalOcean mounts a volume that it has formatted by itself, on a droplet that is new; this is for every other boot.
set -eu

name=$1
folder=$2
device=/dev/disk/by-id/scsi-0DO_Volume_$name

# A disk that has just been attached needs seconds to be seen.
tries=0
until mountpoint -q "$folder"; do
    if [ -b "$device" ]; then
        mkdir -p "$folder"
        mount -o defaults,noatime,discard "$device" "$folder" || mountpoint -q "$folder" && break
    fi
    tries=$((tries + 1))
    if [ "$tries" -ge 300 ]; then
        echo "the volume $name is neither mounted at $folder nor attached as $device: attach it to this droplet" >&2
        exit 1
    fi
    sleep 1
done

if [ -b "$device" ] && [ "$(findmnt --noheadings --output FSTYPE "$folder")" = ext4 ]; then
    # After the volume was enlarged. Says nothing to do when there is nothing to do.
    resize2fs "$device" 2>&1
fi
