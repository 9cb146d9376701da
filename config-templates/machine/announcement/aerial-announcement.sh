#!/bin/sh
# Makes a spoken announcement, so that a machine always has something to play:
#   aerial-announcement TEXT_FILE TONE_HZ OUTPUT
# OUTPUT's ending names its format (.wav, .flac, .mp3). The voice speaks over a soft chord, and over a quiet pure tone
# of TONE_HZ, by which a measuring listener knows what it hears. An OUTPUT that is playable and newer than TEXT_FILE is
# left as it is, so the unit that runs this costs nothing at later boots.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: aerial-announcement TEXT_FILE TONE_HZ OUTPUT" >&2
    exit 2
fi
text=$1
tone=$2
output=$3
case $tone in
    '' | *[!0-9]*)
        echo "aerial-announcement: TONE_HZ takes a whole number" >&2
        exit 2
        ;;
esac

playable() {
    ffmpeg -nostdin -v error -xerror -i "$1" -f null - 2>/dev/null
}

if [ -s "$output" ] && [ -z "$(find "$text" -newer "$output")" ] && playable "$output"; then
    exit 0
fi

mkdir -p "$(dirname "$output")"
work=$(mktemp -d "$(dirname "$output")/.announcement.XXXXXX")
trap 'rm -rf "$work"' EXIT

espeak-ng -v en -s 140 -g 4 -f "$text" -w "$work/voice.wav"

# An A major chord that breathes, at about -26 dB, the tone at -20 dB, and the voice 1 s in, with 3 s of rest after it.
# Long enough that a loop does not sound hasty; nowhere below the -40 dB that count as silence.
chord='0.05*(sin(2*PI*220*t)+sin(2*PI*277.18*t)+sin(2*PI*329.63*t))*(0.7+0.3*sin(2*PI*0.2*t))'
ffmpeg -nostdin -v error -y -i "$work/voice.wav" \
    -f lavfi -i "aevalsrc='$chord+0.1*sin(2*PI*$tone*t)':s=44100:c=mono" \
    -filter_complex "[0:a]aresample=44100,volume=0.7,adelay=1000,apad=pad_dur=3[voice];
        [voice][1:a]amix=inputs=2:duration=first:normalize=0,alimiter=limit=0.9:level=false,
        pan=stereo|c0=c0|c1=c0[out]" \
    -map '[out]' "$work/out.${output##*.}"

playable "$work/out.${output##*.}"
chmod 0644 "$work/out.${output##*.}"
mv "$work/out.${output##*.}" "$output"
