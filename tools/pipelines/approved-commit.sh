#!/usr/bin/env bash
# Prints `commit=<sha>` of the newest commit that was approved for production, or nothing and why on stderr. A commit is
# approved when its deployment to the environment prod-approval has succeeded (.github/workflows/preprod.yml).
set -eu -o pipefail

deployments=$(gh api "repos/$GITHUB_REPOSITORY/deployments?environment=prod-approval&per_page=50" \
    --jq '.[] | "\(.id) \(.sha)"')
while read -r id commit; do
    [ -n "$id" ] || continue
    # The newest first. What was refused or still waits is passed over: what is approved stays so.
    state=$(gh api "repos/$GITHUB_REPOSITORY/deployments/$id/statuses?per_page=1" --jq '.[0].state // "waiting"')
    if [ "$state" = success ]; then
        printf 'commit=%s\n' "$commit"
        exit 0
    fi
done <<<"$deployments"
echo "No commit has been approved for production yet." >&2
