"""The `backdoor-gate` command."""

from __future__ import annotations

import signal
import sys
import traceback
from typing import NoReturn

import click

import gate
from gate.cli.terminal import harmless
from gate.core.errors import GateError
from gate.core.report import ExitCode

_COMMANDS = {
    "check": "gate.cli.check:check",
    "merge": "gate.cli.merge:merge",
    "explain": "gate.cli.explain:explain",
    "policy": "gate.cli.policy:policy",
    "waive": "gate.cli.waive:waive",
    "baseline": "gate.cli.waive:baseline",
    "meta": "gate.cli.meta:meta",
    "init": "gate.cli.init:init",
    "doctor": "gate.cli.doctor:doctor",
    "completion": "gate.cli.completion:completion",
    "cache": "gate.cli.cache:cache",
    "verify": "gate.cli.verify:verify",
}


class _LazyGroup(click.Group):
    """Imports a command only when it is asked for: `--help` and the hooks start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        import importlib

        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(gate.__version__, prog_name="backdoor-gate")
def cli() -> None:
    """Stop a backdoored Keras model before it is merged.

    Exit codes: 0 every model was scanned in full and passed; 1 a model fails the policy; 2 the command or the
    policy is wrong; 3 a scan is incomplete.
    """


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    # CI systems cancel a job with SIGTERM; like Ctrl-C it has to end the scanning processes, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcome = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except click.Abort:
        click.echo("Interrupted; no report was written.", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except GateError as error:
        _show(error)
        sys.exit(error.exit_code)
    except Exception:
        # Left to Python, our own bug would exit with 1, which says that a model has a finding.
        traceback.print_exc()
        click.echo("backdoor-gate: this is a bug in the gate; no verdict was reached.", err=True)
        sys.exit(ExitCode.INCOMPLETE)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _show(error: GateError) -> None:
    for line in str(error).splitlines():
        click.echo(f"backdoor-gate: {harmless(line)}", err=True)
    if error.hint:
        click.echo(f"  -> {harmless(error.hint)}", err=True)
