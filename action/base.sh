#!/usr/bin/env bash
# Print the commit to compare with, or nothing where every model counts; fetch it if the clone is shallow.
#
# Reads GATE_BASE (the user's word), EVENT_* (what triggered the run) and GITHUB_SHA.
# Exits with 3 and a reason on stderr where the event has a base that cannot be found: a gate that does not
# know what changed must not say that nothing did.
set -euo pipefail

export GIT_TERMINAL_PROMPT=0

unresolved() {
  printf 'It is not known which models changed: %s\n' "$1" >&2
  exit 3
}

commit() {
  git rev-parse --quiet --verify --end-of-options "$1^{commit}"
}

parents_of_head() {
  git cat-file commit HEAD | sed -n '1,/^$/s/^parent //p'
}

# The base that the payload of a pull request names goes stale: GitHub builds its merge commit on the tip of
# the target branch at that time. So the first parent of the merge commit is the base, if that was checked out.
pull_request_base() {
  local head parents
  head="$(commit HEAD)" || unresolved "the workspace holds no checkout; run actions/checkout first."
  mapfile -t parents < <(parents_of_head)
  if [[ "$EVENT_NAME" == pull_request && "$head" == "${GITHUB_SHA:-}" && "${#parents[@]}" -eq 2 ]]; then
    echo "${parents[0]}"
  elif [[ -z "${EVENT_PULL_REQUEST_BASE:-}" ]]; then
    unresolved "the event names no base; set the input 'base'."
  elif [[ "$head" == "$EVENT_PULL_REQUEST_BASE" || ( "$EVENT_NAME" == pull_request_target && "$head" == "${GITHUB_SHA:-}" ) ]]; then
    unresolved "the base branch is checked out, not the pull request."
  else
    echo "$EVENT_PULL_REQUEST_BASE"
  fi
}

event_base() {
  case "${EVENT_NAME:-}" in
    pull_request | pull_request_target) pull_request_base ;;
    merge_group) echo "${EVENT_MERGE_GROUP_BASE:?the event names no base}" ;;
    # The first push of a branch has a base of zeros.
    push) [[ "${EVENT_BEFORE:-}" =~ ^0*$ ]] || echo "$EVENT_BEFORE" ;;
    *) ;;
  esac
}

fetch() {
  local depth=()
  if [[ "$(git rev-parse --is-shallow-repository)" == true ]]; then
    depth=(--depth=1)
  fi
  git fetch --quiet --no-tags --no-recurse-submodules "${depth[@]}" origin "${1#origin/}" >&2 && commit FETCH_HEAD
}

base="${GATE_BASE:-}"
if [[ -z "$base" ]]; then
  base="$(event_base)" || exit 3
fi
if [[ -z "$base" ]]; then
  exit 0
fi
if [[ "$base" == -* ]]; then
  unresolved "expected a commit as base, received '$base'."
fi
# A name is a branch of origin first: git itself would take a tag of that name, which others may be allowed to push.
branch="${base#origin/}"
if [[ "$base" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ || "$base" == refs/* || "$base" == HEAD* || "$base" == *[~^:@]* ]]; then
  commit "$base" && exit
else
  commit "refs/remotes/origin/$branch" || fetch "refs/heads/$branch" 2>/dev/null || commit "$base" && exit
fi
fetch "$base" || unresolved "the base $base is not in this clone and cannot be fetched; \
let actions/checkout fetch it (fetch-depth: 2 for pull requests, 0 for all history)."
