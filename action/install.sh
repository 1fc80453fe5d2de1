#!/usr/bin/env bash
# Install the gate into a virtual environment of its own, and tell the next step its command.
#
# Reads GATE_INSTALL (what pip installs; empty for this checkout) and the runner's variables.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
requirement="${GATE_INSTALL:-${here}[scan]}"
venv="$RUNNER_TEMP/backdoor-gate-venv"

# A second use of the action in one job finds the environment of the first.
if [[ ! -f "$venv/installed" || "$(<"$venv/installed")" != "$requirement" ]]; then
  echo "::group::Install $requirement"
  # -I keeps Python from importing a pip.py that a pull request put into the working directory.
  python3 -I -m venv --clear "$venv"
  "$venv/bin/python" -I -m pip install --disable-pip-version-check --quiet "$requirement"
  printf '%s' "$requirement" >"$venv/installed"
  echo "::endgroup::"
fi

echo "command=$venv/bin/backdoor-gate" >>"$GITHUB_OUTPUT"
