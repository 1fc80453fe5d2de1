#!/usr/bin/env bash
# Install the gate into a virtual environment of its own, and tell the next step its command.
#
# Reads GATE_INSTALL (what pip installs; empty for this checkout) and the runner's variables.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
requirement="${GATE_INSTALL:-${here}[scan]}"
venv="$RUNNER_TEMP/backdoor-gate-venv"

# -I keeps Python from importing a pip.py that a pull request put into the working directory.
pip_install() {
  "$venv/bin/python" -I -m pip install --disable-pip-version-check --quiet "$@"
}

# What others wrote is what the lock says, byte for byte, and none of it runs before it is compared: wheels only. The gate
# itself is built by a tool from the lock, without an index.
locked() {
  pip_install --require-hashes --only-binary :all: --requirement "$here/requirements-lock.txt"
  pip_install --no-deps --no-index --no-build-isolation "$here"
}

# A second use of the action in one job finds the environment of the first.
if [[ ! -f "$venv/installed" || "$(<"$venv/installed")" != "$requirement" ]]; then
  echo "::group::Install $requirement"
  python3 -I -m venv --clear "$venv"
  if [[ -n "${GATE_INSTALL:-}" ]]; then
    pip_install "$GATE_INSTALL"
  else
    locked
  fi
  printf '%s' "$requirement" >"$venv/installed"
  echo "::endgroup::"
fi

echo "command=$venv/bin/backdoor-gate" >>"$GITHUB_OUTPUT"
