#!/bin/bash
# Whether a file of audio decodes from end to end, without an error, to at least a second: `playable FILE`.
set -euo pipefail

bytes=$(ffmpeg -nostdin -v error -xerror -i "$1" -map 0:a:0 -f s16le -ac 2 -ar 44100 - | wc -c)
if [ "$bytes" -lt 176400 ]; then
    echo "$1 holds less than a second of audio" >&2
    exit 1
fi
