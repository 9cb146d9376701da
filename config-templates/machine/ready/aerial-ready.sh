#!/bin/sh
# Waits until this machine does its work, or says why it does not: `aerial-ready --timeout SECONDS`.
# In this order: cloud-init is done, every unit that aerial.target wants runs, the role's own check passes, and the
# station's public certificate is here if any Master has one.
set -eu

timeout=300
if [ "${1:-}" = --timeout ]; then
    timeout=$2
elif [ $# -gt 0 ]; then
    echo "usage: aerial-ready [--timeout SECONDS]" >&2
    exit 2
fi
case $timeout in
    '' | *[!0-9]*)
        echo "aerial-ready: --timeout takes whole seconds" >&2
        exit 2
        ;;
esac
deadline=$(($(date +%s) + timeout))

remaining() {
    left=$((deadline - $(date +%s)))
    [ "$left" -gt 0 ] || left=1
    echo "$left"
}

# Units wanted by aerial.target that are neither running nor, being of one shot, done.
missing_units() {
    wanted=$(systemctl show --property=Wants --value aerial.target) || {
        echo "what aerial.target wants: systemd does not say"
        return
    }
    echo "$wanted" | tr ' ' '\n' | while read -r unit; do
        [ -n "$unit" ] || continue
        state=$(systemctl show --property=ActiveState,SubState,Type,Result,ConditionResult "$unit" | sort | tr '\n' ' ')
        case $state in
            *ActiveState=active*) ;;
            *ConditionResult=no*) echo "$unit (waits for its secrets, or for its condition)" ;;
            *ActiveState=inactive*Result=success*Type=oneshot*) ;;
            *) echo "$unit ($state)" ;;
        esac
    done
}

# The timer would come too late for the first listeners by TLS. And when both Masters are replaced, the certificate has to
# get from one to the next: an authority issues the same one only a few times a week. A Relay asks again for a while; a
# Master asks once, because the other one may not exist yet, and its timer goes on. A machine that no Master answers is of
# use all the same.
await_certificate() {
    [ -x /usr/local/sbin/aerial-certificate ] || return 0
    until=$(($(date +%s) + 30))
    while ! timeout 30 /usr/local/sbin/aerial-certificate arrive >&2; do
        if [ "$(date +%s)" -ge "$until" ]; then
            echo "aerial-ready: no Master tells whether there is a certificate; going on without" >&2
            return 0
        fi
        sleep 1
    done
}

# cloud-init answers 2 for "done, with warnings"; only 1, a failed module, stops a machine from being of use.
code=0
timeout "$(remaining)" cloud-init status --wait >/dev/null 2>&1 || code=$?
case $code in
    0 | 2) ;;
    124)
        echo "aerial-ready: cloud-init was not done within ${timeout} s" >&2
        exit 1
        ;;
    *)
        echo "aerial-ready: cloud-init failed:" >&2
        cloud-init status --long >&2 || true
        exit 1
        ;;
esac

while :; do
    reason=
    if ! systemctl --quiet is-active aerial.target; then
        reason="aerial.target is not active: have the secrets been delivered?"
    fi
    missing=$(missing_units)
    if [ -n "$missing" ]; then
        reason="${reason:+$reason
}not running: $missing"
    fi
    if [ -z "$reason" ]; then
        if answer=$(timeout "$(remaining)" /usr/local/lib/aerial/check 2>&1); then
            await_certificate
            echo "ready"
            exit 0
        fi
        reason="check: ${answer:-failed without a word}"
    fi
    if [ "$(date +%s)" -ge "$deadline" ]; then
        break
    fi
    sleep 1
done

{
    echo "aerial-ready: not ready after ${timeout} s"
    echo "$reason"
    systemctl --failed --no-legend --plain || true
    # Our programs log no secret: passwords reach them by files.
    echo "$missing" | while read -r unit _; do
        [ -z "$unit" ] || journalctl --no-pager --quiet --lines=10 --unit="$unit" || true
    done
} >&2
exit 1
