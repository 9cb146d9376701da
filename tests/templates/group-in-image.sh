#!/bin/sh
# Runs what a machine of a group runs, with Debian's boto3 against a stand-in for Amazon: `group-in-image.sh STAGE`.
# STAGE holds the loader's files, user-data, amazon.py and parameters.json. Writes results as lines `NAME: TEXT`.
set -eu

# A host name of its own: the machine's programs give themselves one, and the test's host must keep its.
if [ "${OWN_NAME:-}" != yes ]; then
    OWN_NAME=yes exec unshare --uts sh "$0" "$@"
fi
stage=$1
cp -a "$stage/files/." /
ip link set lo up
report() {
    printf '%s: %s\n' "$1" "$(cat)"
}

{ cloud-init schema --config-file "$stage/user-data" 2>&1 || true; } | tr '\n' ' ' | report schema

mkdir -p /var/lib/cloud/data /var/lib/aerial
echo i-0abc123 >/var/lib/cloud/data/instance-id
python3 "$stage/amazon.py" "$stage/parameters.json" /tmp/calls &
until [ -e /tmp/calls ]; do
    sleep 0.05
done
export AWS_ENDPOINT_URL=http://127.0.0.1:8000 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=y
export AERIAL_PATIENCE_SECONDS=5

{ /usr/local/sbin/aerial-fetch 2>&1 || true; } | report fetch
echo "$(cat /etc/hostname) $(hostname)" | report hostname

systemctl mask --quiet ssh.service ssh.socket 2>/dev/null || true
for unit in aerial-join.service aerial-secrets-sync.service aerial-secrets-sync.timer; do
    systemd-analyze verify --man=no "/etc/systemd/system/$unit" 2>&1 || true
done | grep -F /etc/systemd/system/aerial-join -e aerial-secrets-sync | sort -u | report verify

cat >/usr/local/sbin/aerial-secrets <<'END'
#!/bin/sh
cat >/tmp/given
END
printf '#!/bin/sh\nexit 0\n' >/usr/local/sbin/aerial-ready
{ /usr/local/sbin/aerial-join 2>&1 || true; } | report join
report given </tmp/given
printf '#!/bin/sh\necho the audio stands still\nexit 1\n' >/usr/local/sbin/aerial-ready
{ /usr/local/sbin/aerial-join 2>&1 || true; } | tail -1 | report 'broken join'
{ /usr/local/sbin/aerial-secrets-sync 2>/dev/null || true; } | report sync
tr '\n' ';' </tmp/calls | report calls
