"""`backdoor-gate meta`: meta-models for one's own architecture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.core.report import ExitCode

if TYPE_CHECKING:
    from gate.core.messages import Progress

# A run without a terminal says so often how far it is.
_TOLD = 8


@click.group()
def meta() -> None:
    """Teach the gate what backdoors look like in your own architecture."""


@meta.command(short_help="Train shadow networks and make a meta-model of them.")
@click.argument("model", metavar="MODEL")
@click.option("--data", required=True, metavar="FILE_OR_DIR", help="Labelled images to train the shadows on.")
@click.option("--out", required=True, metavar="FOLDER", help="For the meta-model, and for going on later.")
@click.option(
    "--shadows",
    type=click.IntRange(4, 4096),
    default=64,
    show_default=True,
    help="Networks to train, every other one with a backdoor; 48 to 128 is usual.",
)
@click.option(
    "--epochs", type=click.IntRange(1, 1000), default=20, show_default=True, help="Of each, at most."
)
@click.option(
    "--images",
    type=click.IntRange(16, 20_000),
    default=2000,
    show_default=True,
    help="To train each on, at most.",
)
@click.option(
    "--input-range", metavar="LOW,HIGH", help="Raw values of black and white, such as 0,255 or -1,1."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of all random choices."
)
def train(
    model: str,
    data: str,
    out: str,
    shadows: int,
    epochs: int,
    images: int,
    input_range: str | None,
    seed: int,
) -> int:
    """Train shadow networks of MODEL's architecture on your images, and make FOLDER/meta.json of them.

    `backdoor-gate check --meta FOLDER/meta.json` then judges models of this architecture by it. A run that was ended
    goes on where it was if it is started again in the same way.
    """
    from gate.cli.check import data_call, environ_for_git, parse_range
    from gate.core.job import DataCall
    from gate.pipeline.teaching import META, Lesson, teach

    root = Path.cwd()
    call = data_call(data, "train", root)
    assert isinstance(call, DataCall)
    lesson = Lesson(
        model=model,
        data=call,
        out=root / out,
        shadows=shadows,
        epochs=epochs,
        images=images,
        seed=seed,
        input_range=parse_range(input_range),
        root=root,
        environ=environ_for_git(),
    )
    with _told(model) as progress:
        found = teach(lesson, progress)
    click.echo(
        f"{Path(out, META)}: made of {found.networks} shadow networks; AUC {found.auc:.2f} on those that it did not know."
    )
    return ExitCode.PASS


@contextmanager
def _told(model: str) -> Iterator[Progress]:
    """Show bars where a person watches; else a line now and then, for a log."""
    from gate.cli.progress import listener
    from gate.core.events import NullEvents
    from gate.core.text import printable

    with listener() as events:

        def progress(stage: str, done: int, total: int, detail: str) -> None:
            events.progress(model, stage, done, total, detail)
            if isinstance(events, NullEvents) and done % max(1, total // _TOLD) == 0:
                click.echo(printable(f"{stage}: {done} of {total}", 200), err=True)

        yield progress
