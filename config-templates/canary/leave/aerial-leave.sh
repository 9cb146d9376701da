#!/bin/sh
# Lets the listeners of this instance go before the group ends it. The group takes it from the balancer, and keeps it for
# the drain limit; after that, all who are left would be closed at once. The instance learns of it by the metadata service.
set -eu

metadata=${AERIAL_METADATA:-http://169.254.169.254}
root=${AERIAL_ROOT:-}

ask() {
    curl --silent --fail --max-time 5 "$@"
}

token=$(ask --request PUT --header "X-aws-ec2-metadata-token-ttl-seconds: 60" "$metadata/latest/api/token")
state=$(ask --header "X-aws-ec2-metadata-token: $token" \
    "$metadata/latest/meta-data/autoscaling/target-lifecycle-state") || exit 0
[ "$state" = Terminated ] || exit 0
# Limit and listeners a second, as the role says them.
read -r limit_seconds per_second <"$root/etc/aerial/leave"
exec "$root/usr/local/sbin/aerial-drain" end "$limit_seconds" 0 "$per_second"
