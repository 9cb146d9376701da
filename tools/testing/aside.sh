#!/bin/sh
# Runs a command aside: with what others leave of the processors. For tests that compute, beside drills, whose listeners
# may hear no difference.
set -eu

if [ "$(id -u)" -ne 0 ]; then
    exec nice -n 19 "$@"
fi

# Niceness counts inside a group only, and each session is one, a machine's service too. As root, a group of our own,
# which whatever the command starts belongs to.
if [ -e /sys/fs/cgroup/cpu/cpu.shares ]; then
    all=/sys/fs/cgroup/cpu
    setting=cpu.shares
    share=128 # of 1024
else
    all=/sys/fs/cgroup
    setting=cpu.weight
    share=12 # of 100
fi
# Empty ones of runs that were killed.
rmdir "$all"/aerial-aside.* 2>/dev/null || true
own=$all/aerial-aside.$$
mkdir "$own" 2>/dev/null && echo "$share" 2>/dev/null >"$own/$setting" && echo $$ 2>/dev/null >"$own/cgroup.procs" ||
    echo "No group for tests aside here ($all): they run beside the drills as they are." >&2

trap : INT TERM HUP
status=0
nice -n 19 "$@" || status=$?
echo $$ 2>/dev/null >"$all/cgroup.procs" || true
# What a signal has ended may still be on its way out.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rmdir "$own" 2>/dev/null && break
    [ -d "$own" ] || break
    sleep 0.2
done
exit "$status"
