#!/bin/sh
# Whether a kept show holds what its name says: `intact FILE`. A file that people put there has no SHA-256 in its name.
set -eu

name=${1##*/}
name=${name%.*}
expected=${name##*.}
case $expected in
    *[!0-9a-f]*) exit 0 ;;
esac
[ "${#expected}" -eq 64 ] || exit 0
[ "$(sha256sum <"$1")" = "$expected  -" ]
