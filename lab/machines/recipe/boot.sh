#!/bin/sh
# Boots a machine in a cgroup and network namespace that exist, and becomes its supervisor.
# Arguments: <machine folder> <cgroup> <path of the network namespace> <nspawn name> <hostname> <machine id, 32 hex digits> [--bind=…]…
# Standard output is the machine's console.
set -eu

folder=$1 cgroup=$2 namespace=$3 name=$4 hostname=$5 uuid=$6
shift 6

echo $$ >"$cgroup/cgroup.procs"

# Only for nspawn itself; the machine's init gets an environment of its own.
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network

# pidfd_getfd: root on a droplet may use another process's socket; nspawn forbids it by default.
# --register=no and --keep-unit: the workstation's systemd, if it runs, does not manage the machine. The machine ends
# with its cgroup.
exec systemd-nspawn --boot --directory="$folder/root" \
    --machine="$name" --hostname="$hostname" --uuid="$uuid" \
    --network-namespace-path="$namespace" --capability=CAP_NET_ADMIN --system-call-filter=pidfd_getfd \
    --register=no --keep-unit --link-journal=no --resolv-conf=off --timezone=off --console=read-only "$@"
