#!/bin/sh
# Succeeds while this Relay is healthy; says why it is not.
set -eu

if answer=$(curl --silent --show-error --max-time 5 http://127.0.0.1/healthz 2>&1); then
    case $answer in
        '{"healthy":true,'*) exit 0 ;;
    esac
fi
echo "$answer" >&2
exit 1
