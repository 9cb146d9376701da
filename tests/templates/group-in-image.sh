#!/bin/sh
# Runs what a machine of a group runs, with Debian's boto3 against a stand-in for Amazon: `group-in-image.sh STAGE`.
# STAGE holds the loader's files, user-data, amazon.py, parameters.json and objects.json. Writes results as lines `NAME: TEXT`.
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
python3 "$stage/amazon.py" "$stage/parameters.json" "$stage/objects.json" /tmp/calls &
until [ -e /tmp/calls ]; do
    sleep 0.05
done
export AWS_ENDPOINT_URL=http://127.0.0.1:8000 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=y
export AERIAL_PATIENCE_SECONDS=5

# As aerial-receive does it, but for the files alone: no systemd runs here.
cat >/usr/local/sbin/aerial-receive <<'END'
#!/bin/sh
set -eu
base64 -d | gunzip >/tmp/given
mkdir /tmp/deliver
jq -c '.files[] | select(.path | startswith("/usr/local/lib/aerial/deliver/"))' /tmp/given | while read -r file; do
    printf '%s\n' "$file" | jq -r .content >"/tmp/deliver/$(printf '%s\n' "$file" | jq -r '.path | split("/") | last')"
done
cd /tmp
python3 -B -m deliver.apply --files-only </tmp/given
END
chmod 755 /usr/local/sbin/aerial-receive
{ /usr/local/sbin/aerial-join 2>&1 || true; } | report join
echo "$(cat /etc/hostname) $(hostname)" | report hostname
jq -c .secrets /tmp/given | report given
report authorization </etc/aerial/certificate/authorization

systemctl mask --quiet ssh.service ssh.socket 2>/dev/null || true
for unit in aerial-join.service aerial-leave.service aerial-leave.timer aerial-secrets-sync.service aerial-secrets-sync.timer; do
    systemd-analyze verify --man=no "/etc/systemd/system/$unit" 2>&1 || true
done | grep -F -e aerial-join -e aerial-leave -e aerial-secrets-sync | sort -u | report verify

printf '#!/bin/sh\necho the audio stands still\nexit 1\n' >/usr/local/sbin/aerial-receive
{ /usr/local/sbin/aerial-join 2>&1 || true; } | tail -1 | report 'broken join'
{ /usr/local/sbin/aerial-secrets-sync 2>/dev/null || true; } | report sync
tr '\n' ';' </tmp/calls | report calls
