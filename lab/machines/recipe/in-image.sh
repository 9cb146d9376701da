#!/bin/sh
# Runs a program in a scratch copy of the base image: what it writes outside its binds is gone when it ends.
# Called in a mount namespace of its own (unshare --mount), with as arguments
#   <rootfs> <scratch folder> <user or ""> <working folder> [--bind|--bind-ro <workstation path> <image path>]… -- <program> [argument]…
# and replaces itself by the program, so that signals reach it.
set -eu

rootfs=$1 scratch=$2 user=$3 folder=$4
shift 4

# An empty folder of the cache; the mounts on it are seen by nobody else.
mount -t tmpfs -o mode=0755 aerial-scratch "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
ln -s "$rootfs" "$scratch/lower"
root=$scratch/root
(cd "$scratch" && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work aerial-image root)

mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir -m 1777 "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"

while [ "$1" != -- ]; do
    if [ -d "$2" ]; then
        mkdir -p "$root$3"
    else
        mkdir -p "$(dirname "$root$3")"
        [ -e "$root$3" ] || : >"$root$3"
    fi
    mount --bind "$2" "$root$3"
    if [ "$1" = --bind-ro ]; then
        mount -o remount,bind,ro "$root$3"
    fi
    shift 3
done
shift

# shellcheck disable=SC2016 # expanded inside the image
if [ -n "$user" ]; then
    exec chroot "$root" setpriv --reuid "$user" --regid "$user" --init-groups \
        sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
fi
# shellcheck disable=SC2016
exec chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
