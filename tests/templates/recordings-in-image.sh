#!/bin/bash
# Two Masters of one station, with Debian's Icecast and Liquidsoap, record to the lab's S3; Master a is killed.
# /installed/a and /installed/b hold what deliveries put on them. Writes lines `NAME: TEXT`.
set -eu
# Whoever runs it outside of the image, by mistake, runs nothing.
[ -e /installed/a ] && [ -e /installed/b ]

# What is played says when: each second of the clock has a pitch of its own, and they come again after 40 s.
cat >/tmp/seconds.py <<'END'
import subprocess, sys

# Which second of 40 each tenth of a second of a file is.
raw = subprocess.run(
    ["ffmpeg", "-nostdin", "-v", "error", "-i", sys.argv[1], "-ac", "1", "-ar", "16000", "-f", "s16le", "-"],
    capture_output=True, check=True,
).stdout
samples = memoryview(raw[: len(raw) // 2 * 2]).cast("h")
rows = []
for at in range(0, len(samples) - 1600, 1600):
    part = samples[at : at + 1600]
    crossings = sum(1 for one, other in zip(part, part[1:]) if (one < 0) != (other < 0))
    heard = round((crossings * 5 - 400) / 40) if max(part) > 500 else -1
    if rows and rows[-1][0] == heard:
        rows[-1][1] += 1
    else:
        rows.append([heard, 1])
# What is short is a change between two seconds, or a joint; the second of a joint goes on after it.
long = [heard for heard, tenths in rows if tenths >= 3]
print(f"{len(samples) / 16000:.1f}", *(heard for heard, before in zip(long, [None, *long]) if heard != before))
END
# What runs on a Master: `master.sh a icecast`.
cat >/tmp/master.sh <<'END'
set -eu
mount --bind "/masters/$1/etc/aerial" /etc/aerial
mount --bind "/state/$1" /var/lib/aerial
export CREDENTIALS_DIRECTORY="/state/$1/credentials" AWS_ENDPOINT_URL=http://127.0.0.1:7070 AWS_EC2_METADATA_DISABLED=true
writer="/state/$1/credentials/writer"
export LIQ_CACHE_USER_DIR="/state/$1/cache"
run() { exec setpriv --reuid "$1" --regid "$2" --clear-groups "${@:3}"; }
case $2 in
    icecast) run icecast2 icecast icecast2 -c /etc/aerial/icecast.xml ;;
    radio) run liquidsoap liquidsoap liquidsoap "/tmp/$1.liq" ;;
    cache) run liquidsoap liquidsoap liquidsoap --cache-only "/tmp/$1.liq" ;;
    recorder) run liquidsoap liquidsoap /usr/local/lib/aerial/aerial-recorder ;;
    uploader) AWS_SHARED_CREDENTIALS_FILE=$writer run liquidsoap liquidsoap /usr/local/lib/aerial/aerial-recordings ;;
    archive) exec /usr/local/sbin/aerial-archive "${@:3}" ;;
    # As if the hour were over.
    finish) AWS_SHARED_CREDENTIALS_FILE=$writer exec python3 -c '
import sys, time
sys.path.insert(0, "/usr/local/lib/aerial")
from recordings import bucket, settings, spool, upload
known = settings.load()
store = bucket.Bucket(known.bucket, known.region, "writer")
upload.Uploader(spool.Spool(settings.HOME), store, known, settings.say).work(time.time() + 3700)' ;;
esac
END
report() { printf '%s: %s\n' "$1" "$2"; }
on() { unshare --mount bash /tmp/master.sh "$@"; }

# What is bound cannot be changed.
cp -r /installed /masters
cp -r /masters/a/usr/. /usr/
mkdir -p /tmp/s3/data /tmp/s3/old /tmp/s3/meta /tmp/pids /etc/aerial /var/lib/aerial
ROOT_ACCESS_KEY=$S3_ID ROOT_SECRET_KEY=$S3_SECRET /usr/local/bin/versitygw --quiet --port 127.0.0.1:7070 \
    --region eu-central-1 posix --sidecar /tmp/s3/meta --versioning-dir /tmp/s3/old /tmp/s3/data >/tmp/s3/log 2>&1 &
for id in a b; do
    mkdir -p "/state/$id/recordings" "/state/$id/credentials" "/state/$id/cache"
    cp "/masters/$id/etc/aerial/recordings/"{listener,writer} "/state/$id/credentials/"
    chown -R liquidsoap:liquidsoap "/state/$id"
    chgrp icecast "/masters/$id/etc/aerial/"{icecast.xml,icecast-listeners}
    chgrp liquidsoap "/masters/$id/etc/aerial/radio-secrets.liq"
    script="/masters/$id/etc/aerial/radio/main.liq"
    # The way from what is on air to Icecast is the Master's own; what is on air is a clock.
    {
        sed -n -e '/^%include/p' -e '/^title =/p' -e '/^station =/p' -e '/^icecast_port/p' "$script"
        cat <<'END'
settings.log.stdout := true
radio = insert_metadata(sine({400. + 40. * float(int(time()) mod 40)}))
shown = ref(0)
def show() =
  now = int(time()) / 20
  if now != shown() then
    shown := now
    radio.insert_metadata([("title", "Größe #{now}"), ("aerial_source", "studio")])
  end
end
thread.run(every=0.1, show)
END
        # Only in MP3.
        sed -n '/^# --- Relays learn/,$p' "$script" | awk '/^send\(/ { sends++ } sends < 2'
    } >"/tmp/$id.liq"
done
cat >/tmp/bucket.py <<'END'
import boto3, time
s3 = boto3.Session(profile_name="writer").client("s3", region_name="eu-central-1")
while True:
    try:
        s3.create_bucket(Bucket="radio-test-recordings", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        break
    except Exception as reason:
        if "connect" not in str(reason): raise
        time.sleep(0.2)
s3.put_bucket_versioning(Bucket="radio-test-recordings", VersioningConfiguration={"Status": "Enabled"})
END
AWS_ENDPOINT_URL=http://127.0.0.1:7070 AWS_SHARED_CREDENTIALS_FILE=/state/a/credentials/writer python3 /tmp/bucket.py

start() {
    # Not by a function: what is killed is to be the program.
    unshare --mount bash /tmp/master.sh "$1" "$2" >>"/tmp/$1-$2.log" 2>&1 &
    echo $! >"/tmp/pids/$1-$2"
}
die() { kill -KILL "$(cat "/tmp/pids/$1-$2")"; }
on a cache
on b cache
for id in a b; do
    for what in icecast radio recorder uploader; do start "$id" "$what"; done
done
records() {
    for _ in $(seq 600); do
        [ -s "/state/$1/recordings/main/open.audio" ] && return
        sleep 0.2
    done
    tail -n 20 /tmp/*.log >&2
    exit 1
}
records a
records b
sleep 3
from=$(date +%s)
at() { date -u -d "@$1" +%Y-%m-%dT%H:%M:%SZ; }
until_second() { while [ "$(date +%s)" -lt $((from + $1)) ]; do sleep 0.2; done; }
one_line() { tr '\n' ';'; }
until_second 10
# Master b's Liquidsoap starts again: for some seconds it sends nothing.
die b radio
start b radio
sleep 3
records b
# Master a's recorder is killed while it plays, and started again: that costs nothing.
die a recorder
sleep 3
start a recorder
until_second 66
for what in uploader recorder radio icecast; do die a "$what"; done
killed=$(date +%s)
until_second $((killed - from + 18))
from_now=$((killed - 4))
report growing "$(on b archive cut main "$(at $from_now)" "$(at $((from_now + 15)))" /tmp/growing.mp3 2>&1 | one_line)"
report growing-begins $((from_now % 40))
report growing-holds "$(python3 /tmp/seconds.py /tmp/growing.mp3)"
die b uploader
die b recorder
# What it left open is complete when it starts again.
start b recorder
sleep 4
die b recorder
on b finish >/tmp/finish.log 2>&1 || cat /tmp/finish.log >&2
cat >/tmp/keys.py <<'END'
import boto3
s3 = boto3.Session(profile_name="writer").client("s3", region_name="eu-central-1")
for entry in s3.list_objects_v2(Bucket="radio-test-recordings").get("Contents", []):
    print(entry["Key"])
END
report keys "$(AWS_ENDPOINT_URL=http://127.0.0.1:7070 AWS_SHARED_CREDENTIALS_FILE=/state/a/credentials/writer python3 /tmp/keys.py |
    sed -E 's/[0-9]{13}[.]/START./; s/[0-9a-f]{8}[.]/DISK./; s/[0-9]{4}-[0-9]{2}-[0-9]{2}/DAY/' | sort | uniq -c | sed 's/^ *//' | one_line)"
# Nothing but S3 has it now.
rm -r /state/b/recordings/main
code=0
on b archive cut main "$(at $((from + 5)))" "$(at $((killed + 14)))" /tmp/out.mp3 2>/tmp/told || code=$?
report whole "$code $(one_line </tmp/told)"
report whole-begins $(((from + 5) % 40))
report whole-lasts $((killed + 14 - from - 5))
report whole-holds "$(python3 /tmp/seconds.py /tmp/out.mp3)"
report a-misses "$(on b archive cut main "$(at $((from + 5)))" "$(at "$killed")" /tmp/a.mp3 --master a 2>&1 | grep nobody | one_line)"
report b-misses "$(on b archive cut main "$(at $((from + 5)))" "$(at $((killed + 14)))" /tmp/b.mp3 --master b 2>&1 | grep nobody | one_line)"
report titles "$(on b archive titles main "$(at $((from + 5)))" "$(at $((killed + 14)))" | sed 's/^.*+00:00 *//' | one_line)"
report nothing "$(on b archive cut main 2026-01-01T00:00 00:10 /tmp/none.mp3 2>&1 | one_line)"
report wrong-ending "$(on b archive cut main "$(at $((from + 5)))" "$(at $((killed + 14)))" /tmp/out.aac 2>&1 | one_line)"
report metrics "$(grep -h '^aerial' /state/b/recordings/metrics.prom | one_line)"
