# Parts of tests/templates/airtime.test.ts, run in a scratch copy of the base image: bash -eu airtime-in-image.sh PART.
# What is printed is what the test compares.
# shellcheck shell=bash

volume=/mnt/aerial_test_airtime
ip link set lo up
cp -r /installed/. /
# Debian's unit makes it on a machine.
install -d -o postgres -g postgres -m 2775 /run/postgresql
useradd --create-home aerial 2>/dev/null || true
chown -R root:liquidsoap /etc/aerial/playout 2>/dev/null || true

as() {
    user=$1
    shift
    setpriv --reuid "$user" --regid "$user" --init-groups env HOME=/tmp "$@"
}

prepare() {
    mkdir -p "$volume"
    /usr/local/lib/aerial/prepare "$volume" main jazz
}

postgres_up() {
    as postgres /usr/local/lib/aerial/database "$volume/postgresql"
    as postgres /usr/lib/postgresql/17/bin/postgres -D "$volume/postgresql/17" -c listen_addresses= \
        -c unix_socket_directories=/run/postgresql -c timezone=UTC >/tmp/postgres.log 2>&1 &
    postgres=$!
    for _ in $(seq 200); do
        as postgres pg_isready -q && return
        sleep 0.1
    done
    cat /tmp/postgres.log >&2
    return 1
}

# A step of the catalogue, as often as it takes to believe that a file is complete, and to record what was played.
catalogue() {
    as postgres python3 - <<'PYTHON'
import sys, time
sys.path.insert(0, "/usr/local/lib/aerial")
from airtime import catalogue, database, settings
known = settings.load()
database.prepare(open("/usr/local/lib/aerial/airtime/schema.sql").read())
present, seen = catalogue.known(), {}
for _ in range(2):
    seen = catalogue.step(known, present, seen, time.time() + 60)
    catalogue.record_played(known)
PYTHON
}

# Repeats a command until it succeeds; with what the playout said where it does not.
until_true() {
    for _ in $(seq 450); do
        "$@" && return
        sleep 0.2
    done
    tail -n 40 /tmp/main.log >&2
    cat "$volume"/playout/*.json "$volume"/playout/played/* >&2
    echo "in vain: $*" >&2
    return 1
}

sql() { as postgres psql -XAtq -d airtime -c "$1"; }

tone() { ffmpeg -nostdin -v error -y -f lavfi -i "sine=frequency=$1:duration=$2" "${@:4}" "$3"; }

case $1 in
    check-*)
        liquidsoap --check "/etc/aerial/playout/${1#check-}.liq"
        ;;

    units)
        # The image has no Docker.
        [ -e /usr/bin/docker ] || install -m 0755 /dev/null /usr/bin/docker
        find /etc/systemd/system -name 'aerial-*.service' | sed 's/@/@main/' |
            xargs systemd-analyze verify --man=no --recursive-errors=no
        ;;

    database)
        prepare
        # Cut short: files, and no database under the final name.
        as postgres mkdir "$volume/postgresql/17.new"
        as postgres touch "$volume/postgresql/17.new/PG_VERSION"
        postgres_up
        tone 440 1 "$volume/library/main/a.mp3"
        catalogue >/dev/null
        # A power cut leaves a process's number, which may be anybody's by then.
        kill -KILL "$postgres" $(pgrep -u postgres -x postgres)
        wait "$postgres" 2>/dev/null || true
        while pgrep -u postgres -x postgres >/dev/null; do sleep 0.1; done
        test -e "$volume/postgresql/17/postmaster.pid"
        # On another machine, users have other numbers.
        chown -R 4242:4242 "$volume/postgresql" "$volume/playout"
        prepare
        rm -f /run/postgresql/.s.*
        postgres_up
        echo "DATABASE TAKEN OVER WITH $(sql 'select count(*) from cc_files') SHOW"
        # What cannot be a database is left alone, and said.
        if as postgres sh -c "mkdir -p /tmp/other/15 && echo 15 >/tmp/other/15/PG_VERSION &&
            /usr/local/lib/aerial/database /tmp/other" 2>/tmp/said; then
            exit 1
        fi
        grep -q "move /tmp/other/15 away and restore the newest dump" /tmp/said
        ;;

    catalogue)
        prepare
        postgres_up
        tone 440 3 "$volume/library/main/grüße & 'q'.mp3"
        mkdir -p "$volume/library/main/morning"
        tone 440 4 "$volume/library/main/morning/tagged.flac" -metadata title="A Title" -metadata artist="An Artist"
        echo "no audio" >"$volume/library/main/bad.mp3"
        touch "$volume/library/main/.hidden.mp3" "$volume/library/main/upload.mp3.part"
        catalogue >/dev/null
        sql "select filepath, import_status, length > '0', length(md5) = 32, round(extract(epoch from length))
             from cc_files order by filepath collate \"C\""
        sql "select track_title, artist_name from cc_files where track_title is not null"
        # Played at minutes 0 and 2 s later, which ended the first; the second for the schedule.
        cat >"$volume/playout/played/main.jsonl" <<'JSON'
{"path":"main/grüße & 'q'.mp3","show":"","begun":0.0,"at":1795392000.0}
{"path":"main/morning/tagged.flac","show":"mon 06:00 morning/","begun":1795392002.0,"at":1795392002.0}
{"path":"main/torn
JSON
        rm "$volume/library/main/morning/tagged.flac"
        sed -i "s/17953920\(0[02]\)/$(date -d '-1 minute' +%s | cut -c1-8)\1/g" "$volume/playout/played/main.jsonl"
        catalogue >/dev/null
        sql "select 'GONE ' || filepath, file_exists from cc_files where not file_exists"
        sql "select 'PLAYED ' || filepath, round(extract(epoch from ends - starts), 2) from cc_playout_history h
             join cc_files on cc_files.id = file_id order by starts"
        sql "select 'SHOW ' || cc_show.name, cc_show.description, filepath from cc_show_instances
             join cc_show on cc_show.id = show_id join cc_files on cc_files.id = file_id"
        ;;

    playout)
        prepare
        postgres_up
        as postgres AERIAL_ONCE=1 /usr/local/lib/aerial/catalogue
        cat >/tmp/icecast.xml <<'XML'
<icecast>
<limits><source-timeout>30</source-timeout></limits>
<authentication><source-password>x</source-password><admin-user>admin</admin-user><admin-password>x</admin-password></authentication>
<listen-socket><port>8000</port></listen-socket>
<mount><mount-name>/main-airtime</mount-name><username>airtime</username><password>secret</password><charset>UTF-8</charset></mount>
<mount><mount-name>/jazz-airtime</mount-name><username>airtime</username><password>secret</password></mount>
<paths><logdir>/tmp</logdir><webroot>/tmp</webroot><adminroot>/tmp</adminroot></paths>
<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>2</loglevel></logging>
</icecast>
XML
        setpriv --reuid icecast2 --regid icecast --clear-groups icecast2 -c /tmp/icecast.xml >/dev/null 2>&1 &
        icecast=$!
        python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 8001)); s.listen(1); time.sleep(1000)' &
        for channel in main jazz; do
            install -d -o liquidsoap -g liquidsoap /run/aerial-playout/$channel
            as liquidsoap liquidsoap /etc/aerial/playout/$channel.liq >/tmp/$channel.log 2>&1 &
        done
        until_true [ -S /run/aerial-playout/main/control.sock ]
        until_true [ -S /run/aerial-playout/jazz/control.sock ]
        sleep 1
        status() { /usr/local/lib/aerial/status | jq -r "$1"; }
        if /usr/local/lib/aerial/status --check; then echo check_while_empty=well; fi
        connected() { [ "$(status ".channels.main.masters.$1.connected")" = true ] && echo yes || echo no; }
        echo "connected_while_empty=$(connected a)"

        began=$(date +%s.%N)
        tone 440 3 "$volume/library/main/one ä, \"q\": #{1}.mp3"
        tone 500 3 $volume/library/main/two.ogg
        mkdir -p $volume/library/main/live
        tone 1000 5 $volume/library/main/live/concert.flac
        echo "no audio" >$volume/library/main/bad.mp3
        is_connected() { [ "$(connected a)" = yes ]; }
        until_true is_connected
        echo "seconds_to_first_show=$(echo "$(date +%s.%N) $began" | awk '{print $1 - $2}')"
        echo "connected_with_shows=yes"

        curl -s http://127.0.0.1:8000/main-airtime -o /tmp/heard.mp3 &
        listener=$!
        now=$(date +%s)
        at=$(((now / 60 + 1) * 60))
        if [ $((at - now)) -lt 10 ]; then at=$((at + 60)); fi
        echo "daily $(date -u -d @$at +%H:%M) live/concert.flac" >$volume/schedule.txt
        has_begun() { grep -hs '"begun":[1-9]' $volume/playout/played/main.jsonl >/tmp/begun; }
        until_true has_begun
        echo "seconds_late=$(jq -s --argjson at $at '.[0].at - $at' /tmp/begun)"
        sleep 8
        echo "connected_to_dead=$(connected b)"
        if /usr/local/lib/aerial/status --check; then echo check_with_dead=well; fi
        grep -q bad.mp3 $volume/playout/played/main.jsonl && echo bad_show_played=yes || echo bad_show_played=no
        # The Master takes another password from now on, and so does the playout: what is connected stays, with its titles.
        sed -i 's:>secret<:>rotated<:' /tmp/icecast.xml
        kill -HUP $icecast
        echo rotated >/etc/aerial/playout/main.password
        tone 600 3 $volume/library/main/rotated.mp3 -metadata title="Zażółć & co"
        is_titled() {
            curl -s -u admin:x http://127.0.0.1:8000/admin/stats | grep -qF '<title>Za&#x17C;&#xF3;&#x142;&#x107; &amp; co<'
        }
        until_true is_titled
        echo "title_after_rotation=yes"
        if kill $listener; then
            echo listener_disconnected=no
        else
            echo listener_disconnected=yes
            tail -n 40 /tmp/main.log /tmp/error.log >&2
        fi
        echo "silences_in_stream=$(ffmpeg -nostdin -i /tmp/heard.mp3 -af silencedetect=n=-50dB:d=0.1 -f null - 2>&1 |
            grep -c silence_start)"
        ;;
esac
