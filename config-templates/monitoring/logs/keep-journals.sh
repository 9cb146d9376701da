#!/bin/sh
# Keeps the journals of other machines within bounds: `keep-journals FOLDER DAYS MIB ADDRESS_DAYS`. Each day's files are put
# aside; they go after DAYS, or earlier if all of them take more than MIB: the oldest first. After ADDRESS_DAYS, what holds
# listeners' addresses is taken out of them.
set -eu

folder=$1 days=$2 mebibytes=$3 address_days=$4
remote=${AERIAL_JOURNAL_REMOTE:-/usr/lib/systemd/systemd-journal-remote}

cd "$folder"
# What a run that did not come to its end has left.
rm -f plain-*.journal

# Put aside: a file is only whole while nobody writes it. Machines wait for two seconds, and go on.
trap 'systemctl start aerial-journals.service' EXIT
trap 'exit 1' INT TERM
systemctl stop aerial-journals.service
moment=$(date -u +%Y%m%dT%H%M%SZ)
for file in remote-*.journal; do
    case $file in
        *@* | 'remote-*.journal') ;;
        *) mv "$file" "${file%.journal}@$moment.journal" ;;
    esac
done
systemctl start aerial-journals.service
trap - EXIT

# A file's time is that of its last entry. One that a power cut left open ends in `.journal~`.
find . -name 'remote-*@*.journal*' -mmin "+$((days * 1440))" -delete

while [ "$(du -sk . | cut -f1)" -gt $((mebibytes * 1024)) ]; do
    oldest=$(find . -name 'remote-*@*.journal*' -printf '%T@ %p\n' | sort -n | head -n 1 | cut -d ' ' -f 2)
    [ -n "$oldest" ] || break
    rm -- "$oldest"
done

# Writes a file anew without the lines of listeners, and without NGINX's errors, which name a client. journalctl of systemd 257
# leaves nothing out by --exclude-identifier where its output is for machines: so it is told all identifiers but those.
write_plain() {
    old=$1
    plain=plain-${old#./remote-}
    plain=${plain%.journal*}.journal
    set -- --quiet --output=export
    while read -r identifier; do
        case $identifier in
            aerial-listeners | nginx) ;;
            *) set -- "$@" --identifier="$identifier" ;;
        esac
    done <<END
$(journalctl --file="$old" --field=SYSLOG_IDENTIFIER)
END
    if [ $# -gt 2 ]; then
        journalctl --file="$old" "$@" | "$remote" --output="$plain" --split-mode=none - >/dev/null
        chown --reference="$old" "$plain"
        touch --reference="$old" "$plain"
        mv "$plain" "${old%.journal*}.plain.journal"
    fi
    rm -- "$old"
}

# An address goes by the time at which it was logged: a machine that was away sends it days later. The next run is a day
# later, and this one may be some minutes early.
limit=$(($(date +%s) - address_days * 86400 + 7200))
find . -name 'remote-*@*.journal*' ! -name '*.plain.journal' |
    while read -r file; do
        first=$(
            journalctl --file="$file" --identifier=aerial-listeners --identifier=nginx \
                --lines=+1 --quiet --output=short-unix | cut -d . -f 1
        )
        if [ -n "$first" ] && [ "$first" -lt "$limit" ]; then
            write_plain "$file"
        fi
    done
