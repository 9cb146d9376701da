#!/bin/sh
# Turns a fresh Debian tree into the lab's base image. mmdebstrap calls it with the tree as its only argument.
# DISABLED_UNITS: units that must not start by themselves.
set -eu

root=$1

# Roles start their own units; what Debian's packages enable would take their ports.
for unit in $DISABLED_UNITS; do
    find "$root/etc/systemd/system" -name "$unit" -path '*.wants/*' -delete
    rm -f "$root"/etc/rc?.d/[SK][0-9][0-9]"${unit%.service}"
done
# Consoles nobody sits at.
ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
ln -sf /dev/null "$root/etc/systemd/system/getty@tty1.service"

# Each machine is somebody else. An empty machine-id is filled at boot; a missing one would also enable every unit.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root"/etc/ssh/ssh_host_*
rm -f "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"

# Addresses are set from outside, user data is in the seed folder, packages come from the repository below.
cat >"$root/etc/cloud/cloud.cfg.d/90-lab.cfg" <<'EOF'
datasource_list: [NoCloud, None]
network: { config: disabled }
apt: { preserve_sources_list: true }
EOF

# A repository that knows of nothing, in place of Debian's: `apt-get update` succeeds with no network, packages of the
# image count as installed, and any other cannot be found.
repository=/usr/local/share/lab-repository
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
mkdir -p "$root$repository/dists/trixie/main/binary-amd64" "$root$repository/dists/trixie/main/binary-arm64"
: >"$root$repository/dists/trixie/main/binary-amd64/Packages"
: >"$root$repository/dists/trixie/main/binary-arm64/Packages"
empty=$(sha256sum </dev/null | cut -d ' ' -f 1)
cat >"$root$repository/dists/trixie/Release" <<EOF
Origin: Lab
Suite: trixie
Codename: trixie
Date: $(date -R -u)
Architectures: amd64 arm64
Components: main
SHA256:
 $empty 0 main/binary-amd64/Packages
 $empty 0 main/binary-arm64/Packages
EOF
echo "deb [trusted=yes] file:$repository trixie main" >"$root/etc/apt/sources.list"
rm -rf "$root"/var/lib/apt/lists/*

# Liquidsoap type-checks its whole standard library at each start unless it finds this cache: 6 s of processor time
# against 1. The script is kept in root's own cache, which nobody reads.
chroot "$root" liquidsoap --cache-only 'output.dummy(blank())'
rm -rf "$root/root/.cache"

# What a first boot would otherwise do on every machine, done once.
chroot "$root" ldconfig
chroot "$root" journalctl --update-catalog
chroot "$root" systemd-sysusers
rm -f "$root/var/cache/ldconfig/aux-cache"
rm -rf "$root"/var/log/*.log "$root"/var/log/apt "$root/var/log/journal" "$root"/tmp/* "$root"/var/cache/apt/*.bin
rm -f "$root"/var/cache/apt/archives/*.deb
rm -rf "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale

# Last: systemd redoes all of that when /usr is younger than these two.
touch "$root/usr"
touch "$root/etc/.updated" "$root/var/.updated"
