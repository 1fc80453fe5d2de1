#!/usr/bin/env bash
# Scan what the event changed; write reports, annotations, the job summary and the outputs.
#
# Succeeds whatever the verdict is: the exit code is an output, and the step after this one acts on it.
# Reads GATE_* (the inputs), EVENT_* (what triggered the run) and the runner's variables; see action.yml.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
reports="$(mktemp -d "$RUNNER_TEMP/backdoor-gate-XXXXXX")"
sarif="${GATE_SARIF_FILE:-$reports/report.sarif}"
junit="${GATE_JUNIT_FILE:-$reports/report.xml}"
json="${GATE_JSON_FILE:-$reports/report.json}"
html="${GATE_HTML_FILE:-$reports/report.html}"
markdown="$reports/summary.md"
annotations="$reports/annotations.txt"

# A summary over 1 MiB is dropped by GitHub as a whole.
readonly SUMMARY_LIMIT=900000
readonly UNKNOWN_BASE=0000000000000000000000000000000000000000

random() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

output() {
  local end
  end="end-$(random)"
  printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}

annotate() {
  local text="$1"
  text="${text//'%'/%25}"
  text="${text//$'\r'/%0D}"
  printf '::error title=backdoor-gate::%s\n' "${text//$'\n'/%0A}"
}

# What loads a stranger's model gets no token, and no file through which later steps are steered.
scan_environment() {
  local name
  for name in PATH HOME TMPDIR LANG LC_ALL LD_LIBRARY_PATH CI GITHUB_ACTIONS RUNNER_DEBUG "${!BACKDOOR_GATE_@}"; do
    if [[ -v "$name" ]]; then
      printf '%s=%s\0' "$name" "${!name}"
    fi
  done
}

options() {
  local -A values=(
    [policy]="${GATE_POLICY:-}" [profile]="${GATE_PROFILE:-}" [data]="${GATE_DATA:-}"
    [input-range]="${GATE_INPUT_RANGE:-}" [diff]="$1" [policy-from]="${1:+base}"
  )
  local name
  for name in "${!values[@]}"; do
    if [[ -n "${values[$name]}" ]]; then
      printf -- '--%s=%s\0' "$name" "${values[$name]}"
    fi
  done
}

paths() {
  local line
  while IFS= read -r line || [[ -n "$line" ]]; do
    line="${line#"${line%%[![:space:]]*}"}"
    line="${line%"${line##*[![:space:]]}"}"
    if [[ -n "$line" ]]; then
      printf '%s\0' "$line"
    fi
  done <<<"${GATE_PATHS:-}"
}

# Whatever a model's name or metadata says, the runner takes no command from it while this runs.
muted() {
  local token status=0
  token="$(random)"
  echo "::stop-commands::$token"
  "$@" || status=$?
  echo "::$token::"
  return "$status"
}

field() {
  "$(dirname "$GATE_COMMAND")/python" -I -c '
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
models = [each for each in report["artifacts"] if each["path"] != "."]
print({"verdict": report["verdict"], "models": len(models)}[sys.argv[2]])' "$json" "$1"
}

summarize() {
  if [[ "${GATE_SUMMARY:-true}" == false || ! -f "$markdown" ]]; then
    return
  elif [[ "$(wc -c <"$markdown")" -gt "$SUMMARY_LIMIT" ]]; then
    echo "The summary of backdoor-gate is too long for this page: see the reports of this job." >>"$GITHUB_STEP_SUMMARY"
  else
    cat "$markdown" >>"$GITHUB_STEP_SUMMARY"
  fi
}

finish() {
  output exit-code "$1"
  output verdict "$2"
  output models-scanned "$3"
  exit 0
}

rm -f -- "$sarif" "$junit" "$json" "$html" # a report that the repository holds is not ours
output sarif-file "$sarif"
output junit-file "$junit"
output json-file "$json"
output html-file "$html"

mapfile -d '' -t selected < <(paths)
base=""
if [[ "${#selected[@]}" -eq 0 || -n "${GATE_BASE:-}" ]]; then
  base="$(bash "$here/base.sh" 2>"$reports/base.txt")" || {
    muted cat "$reports/base.txt"
    annotate "$(tail -n 1 "$reports/base.txt")"
    base="$UNKNOWN_BASE" # the gate ends with 3, and writes reports that say so
  }
fi
if [[ "${#selected[@]}" -eq 0 && -z "$base" ]]; then
  selected=(.)
fi
if [[ -n "${GATE_CACHE_KEY:-}" ]]; then
  export BACKDOOR_GATE_CACHE="$GATE_CACHE" BACKDOOR_GATE_CACHE_KEY="$GATE_CACHE_KEY"
fi
mapfile -d '' -t given < <(options "$base")
mapfile -d '' -t environment < <(scan_environment)
read -r -d '' -a more <<<"${GATE_ARGS:-}" || true

code=0
muted env -i "${environment[@]}" "$GATE_COMMAND" check "${given[@]}" \
  --output console=- --output "sarif=$sarif" --output "junit=$junit" --output "json=$json" --output "html=$html" \
  --output "markdown=$markdown" --output "github=$annotations" "${more[@]}" -- "${selected[@]}" || code=$?

if [[ -f "$annotations" ]]; then
  cat "$annotations"
fi
summarize
if [[ -f "$json" ]]; then
  finish "$code" "$(field verdict)" "$(field models)"
fi
finish "$code" incomplete 0
