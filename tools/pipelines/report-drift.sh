#!/usr/bin/env bash
# Says in an issue whether the nightly preview of a stack found a difference. Opens one, or comments on the open one;
# closes it when nothing differs. Details stay in the run's log, which not everybody may read.
#
#   tools/pipelines/report-drift.sh <stack> success|failure
set -eu -o pipefail

stack=$1 outcome=$2
title="Drift of $stack"
run=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
open=$(gh issue list --repo "$GITHUB_REPOSITORY" --state open --search "in:title \"$title\"" --json number,title \
    --jq "map(select(.title == \"$title\")) | .[0].number // empty")

if [ "$outcome" = success ]; then
    [ -z "$open" ] || gh issue close "$open" --repo "$GITHUB_REPOSITORY" --comment "Nothing differs any more: $run"
    exit 0
fi
said="The preview of $stack with \`--refresh --expect-no-changes\` failed: the clouds, the state and main differ, or it \
could not run. What it said: $run. What to do: docs/runbooks/pipelines.md."
if [ -n "$open" ]; then
    gh issue comment "$open" --repo "$GITHUB_REPOSITORY" --body "$said"
else
    gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --body "$said"
fi
