#!/bin/sh
# Makes the loops that the feed plays when no upstream does: `standby-audio CONFIG_DIRECTORY OUTPUT_DIRECTORY`.
# Lines of CONFIG_DIRECTORY/formats: codec (mp3, aac), kbit/s. Each becomes OUTPUT_DIRECTORY/CODEC-KBPS. What is there
# already stays, unless the announcement has changed.
set -eu

config=$1
output=$2
# Listeners that measure know the standby audio by this tone; a Master's announcement has 2600.
tone_hz=3000

announcement=$output/announcement.flac
/usr/local/sbin/aerial-announcement "$config/announcement.txt" "$tone_hz" "$announcement"

while read -r codec kbps; do
    loop=$output/$codec-$kbps
    if [ -s "$loop" ] && [ -z "$(find "$announcement" -newer "$loop")" ]; then
        continue
    fi
    # Frames that need no earlier one (no bit reservoir) can be joined end to start.
    case $codec in
        mp3) encoder="-c:a libmp3lame -reservoir 0 -write_xing 0 -id3v2_version 0 -f mp3" ;;
        aac) encoder="-c:a aac -f adts" ;;
        *)
            echo "standby-audio: unknown codec $codec" >&2
            exit 1
            ;;
    esac
    # shellcheck disable=SC2086 # the encoder's options are words
    ffmpeg -nostdin -v error -y -i "$announcement" -ar 44100 -ac 2 $encoder -b:a "${kbps}k" "$loop.new"
    chmod 0644 "$loop.new"
    mv "$loop.new" "$loop"
done <"$config/formats"
