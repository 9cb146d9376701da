#!/bin/sh
# Keeps the journals of other machines within bounds: `keep-journals FOLDER DAYS MIB ADDRESS_DAYS`. Each day's files are put
# aside; they go after DAYS, or earlier if all of them take more than MIB: the oldest first. After ADDRESS_DAYS, what holds
# listeners' addresses is taken out of them.
set -eu

folder=$1 days=$2 mebibytes=$3 address_days=$4
remote=${AERIAL_JOURNAL_REMOTE:-/usr/lib/systemd/systemd-journal-remote}

cd "$folder"

# Put aside: a file is only whole while nobody writes it. Machines wait for two seconds, and go on.
systemctl stop aerial-journals.service
today=$(date -u +%Y%m%dT%H%M%SZ)
for file in remote-*.journal; do
    case $file in
        *@* | 'remote-*.journal') ;;
        *) mv "$file" "${file%.journal}@$today.journal" ;;
    esac
done
systemctl start aerial-journals.service

# By when they were put aside, which is in their names: what writes a file anew changes its time.
older_than() {
    limit=$(date -u -d "-$1 days" +%Y%m%dT%H%M%SZ)
    for file in remote-*@*.journal; do
        [ -e "$file" ] || continue
        moment=${file##*@}
        moment=${moment%.journal}
        case $moment in
            *-*) moment=$(date -u -r "$file" +%Y%m%dT%H%M%SZ) ;; # put aside by journal-remote, because it was full
            *.plain) moment=${moment%.plain} ;;
        esac
        [ "$(printf '%s\n%s\n' "$moment" "$limit" | sort | head -n 1)" = "$limit" ] || echo "$file"
    done
}

for file in $(older_than "$days"); do
    rm -- "$file"
done

for file in $(older_than "$address_days"); do
    case $file in
        *.plain.journal) continue ;;
    esac
    if [ -z "$(journalctl --file="$file" --identifier=aerial-listeners --lines=1 --quiet --output=cat)" ]; then
        continue
    fi
    plain=${file%.journal}.plain.journal
    rm -f "$plain"
    journalctl --file="$file" --exclude-identifier=aerial-listeners --quiet --output=export |
        "$remote" --output="$plain" --split-mode=none - >/dev/null
    [ ! -e "$plain" ] || chown --reference="$file" "$plain"
    rm -- "$file"
done

while [ "$(du -sk . | cut -f1)" -gt $((mebibytes * 1024)) ]; do
    oldest=$(for file in remote-*@*.journal; do
        [ ! -e "$file" ] || echo "${file##*@} $file"
    done | sort | head -n 1 | cut -d ' ' -f 2)
    [ -n "$oldest" ] || break
    rm -- "$oldest"
done
