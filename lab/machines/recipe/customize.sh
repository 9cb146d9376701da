#!/bin/sh
# Turns a fresh Debian tree into the lab's base image. mmdebstrap calls it with the tree as its only argument.
# DISABLED_UNITS: units that must not start by themselves. OFFERED_PACKAGES: see the repository below.
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
repository=/usr/local/share/lab-repository
cat >"$root/etc/cloud/cloud.cfg.d/90-lab.cfg" <<EOF
datasource_list: [NoCloud, None]
network: { config: disabled }
apt: { preserve_sources_list: true, primary: [{ arches: [default], uri: "file:$repository" }] }
EOF

# The repository in place of Debian's. Its suite trixie knows of nothing: `apt-get update` succeeds with no network,
# packages of the image count as installed, and any other cannot be found. Its backports have what OFFERED_PACKAGES
# names, and what that needs, for machines that ask for these.
pool=$root$repository/pool
rm -f "$root"/var/cache/apt/archives/*.deb
# shellcheck disable=SC2086 # several words
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install --download-only --assume-yes $OFFERED_PACKAGES
mkdir -p "$pool"
mv "$root"/var/cache/apt/archives/*.deb "$pool"
architecture=$(chroot "$root" dpkg --print-architecture)

# SUITE [FIELD…]: makes a suite of the repository, with the packages that standard input describes
suite() {
    folder=$root$repository/dists/$1 list=main/binary-$architecture/Packages
    mkdir -p "$folder/${list%/*}"
    cat >"$folder/$list"
    {
        printf '%s\n' "Origin: Lab" "Suite: $1" "Codename: $1" "Date: $(date -R -u)"
        shift
        printf '%s\n' "Architectures: $architecture" "Components: main" "$@" "SHA256:"
        echo " $(sha256sum <"$folder/$list" | cut -d ' ' -f 1) $(stat -c %s "$folder/$list") $list"
    } >"$folder/Release"
}
suite trixie </dev/null
for package in "$pool"/*.deb; do
    dpkg-deb --field "$package"
    echo "Filename: pool/${package##*/}"
    echo "Size: $(stat -c %s "$package")"
    echo "SHA256: $(sha256sum <"$package" | cut -d ' ' -f 1)"
    echo
done | suite trixie-backports "NotAutomatic: yes" "ButAutomaticUpgrades: yes"
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
echo "deb file:$repository trixie main" >"$root/etc/apt/sources.list"
# What is installed comes before backports, as it does where Debian itself offers it.
printf '%s\n' "Package: *" "Pin: release a=now" "Pin-Priority: 500" >"$root/etc/apt/preferences.d/90-lab"
# Nobody has signed it.
cat >"$root/etc/apt/apt.conf.d/90-lab" <<EOF
Acquire::AllowInsecureRepositories "true";
APT::Get::AllowUnauthenticated "true";
EOF
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
rm -rf "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale

# Last: systemd redoes all of that when /usr is younger than these two.
touch "$root/usr"
touch "$root/etc/.updated" "$root/var/.updated"
