"""`backdoor-gate completion`: what a shell needs to complete this command."""

from __future__ import annotations

import click

_VARIABLE = "_BACKDOOR_GATE_COMPLETE"


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print a script that completes commands, options, report formats, policies and rules.

    \b
    bash:  eval "$(backdoor-gate completion bash)"      in ~/.bashrc
    zsh:   eval "$(backdoor-gate completion zsh)"       in ~/.zshrc
    fish:  backdoor-gate completion fish > ~/.config/fish/completions/backdoor-gate.fish
    """  # noqa: D301 - click keeps the lines below this sign
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # the argument's choices are click's own
    # The template alone: `source` would also run bash to look at its version.
    script = kind(context.find_root().command, {}, "backdoor-gate", _VARIABLE)
    click.echo(script.source_template % script.source_vars())
    return 0
