"""Write the pages that come from the code, and lists that others hold: of detectors, of decisions. `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import yaml

from gate import detectors
from gate.cli.explain import page
from gate.cli.main import cli
from gate.cli.registry import all_rules

DOCS = Path(__file__).parent
_INTRODUCTION = (
    "`backdoor-gate init --github --gitlab --pre-commit` writes these files into the repository whose root is the current "
    "folder. It never overwrites what is there unless `--force` is given, and a `.gitlab-ci.yml` or "
    "`.pre-commit-config.yaml` of yours not even then. Every system keeps the exit code: 0 passed, 1 findings, 2 wrong "
    "usage, 3 incomplete."
)
_STARTERS = (
    (
        "GitHub",
        "github/model-gate.yml",
        "yaml",
        "`init --github` writes it to `.github/workflows/model-gate.yml`.",
    ),
    (
        "GitLab",
        "gitlab/backdoor-gate.gitlab-ci.yml",
        "yaml",
        "`init --gitlab` writes it to `.gitlab/` and includes it. The job installs a commit, never a name on a package index, which "
        "the project does not own. The findings stand in the merge request as Code Quality, "
        "the triggers as pictures in the test report, the HTML report as an exposed artifact.",
    ),
    ("Jenkins", "jenkins/Jenkinsfile", "groovy", "To copy; the triggers are attached to the failed tests."),
    (
        "pre-commit",
        "pre-commit/pre-commit-config.yaml",
        "yaml",
        "`init --pre-commit` writes it to `.pre-commit-config.yaml`. End `args` of your own with `--`, so that no file "
        "name is read as an option. A model gets three minutes (`--budget 3m`); `args: [--budget, 10m, --]` gives it more.",
    ),
    ("Policy", "policy/backdoor-gate.yaml", "yaml", "`init` writes it to `.backdoor-gate.yaml`."),
)
_NOTE = "<!-- Made by docs/build.py from the code; do not edit. -->\n\n"


def rules_page() -> str:
    """Return every rule's page."""
    return _NOTE + "# Rules\n\n" + "\n\n---\n\n".join(_deeper(page(rule)) for rule in all_rules()) + "\n"


def _deeper(text: str) -> str:
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in text.splitlines())


def cli_page() -> str:
    """Return the help text of every command."""
    # click keeps a command's help option from its first context on, so that has to be like the one of the tool.
    settings = {**cli.context_settings, "max_content_width": 100, "terminal_width": 100}
    root = click.Context(cli, info_name="backdoor-gate", **settings)
    parts = [f"## {name}\n\n```text\n{text}\n```" for name, text in _helps(cli, root)]
    return _NOTE + "# Command line\n\n" + "\n\n".join(parts) + "\n"


def _helps(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    helps = [(context.command_path, command.get_help(context))]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            inner = click.Context(child, context, name, max_content_width=100, terminal_width=100)
            helps += _helps(child, inner)
    return helps


def ci_page() -> str:
    """Return what runs the gate in each system, as the files of examples/ have it."""
    parts = [_starter(*starter) for starter in _STARTERS]
    return _NOTE + "# In your CI\n\n" + _INTRODUCTION + "\n\n" + "\n\n".join(parts) + "\n"


_TARGET = """\
## Never on `pull_request_target`

`pull_request_target` runs the workflow of the target branch, with its secrets and a token that may write, also for forks. A
job that checks out the pull request there handles a stranger's files beside your secrets: one file that steers a tool of
that job is enough to take them. Use `pull_request`, as the workflow above does: it has no secrets in runs from forks, and a
token that only reads. The gate needs no more. What has to write, such as a comment on the pull request, belongs into a
second workflow on `workflow_run`, which takes the reports as data and runs nothing of the pull request."""
_NAMES = """\
A hook gets the files that its pattern names: `.h5`, `.hdf5`, `.keras`, SavedModels, unpacked `NAME.keras/` folders, files of DVC. It does not
see a model under another name, nor the `config.json` of an unpacked model whose folder is not called `NAME.keras`. `backdoor-gate check --staged`,
`--diff` and a folder look into the files; in CI one of them runs anyway. To have it in the hook as well, add one of your own:

```yaml
  - repo: local
    hooks:
      - id: backdoor-gate-staged
        name: backdoor-gate, whatever a model is called
        entry: backdoor-gate check --staged --static
        language: system # the gate is installed already
        pass_filenames: false
        always_run: true
```"""


def _starter(title: str, file: str, language: str, remark: str) -> str:
    content = (DOCS.parent / "examples" / file).read_text(encoding="utf-8").rstrip()
    head = f"## {title}\n\n{remark} From [`examples/{file}`](../examples/{file}):"
    remarks = {"GitHub": _TARGET, "pre-commit": _NAMES}
    more = f"\n\n{remarks[title]}" if title in remarks else ""
    return f"{head}\n\n```{language}\n{content}\n```{more}"


_BEGIN = "<!-- Made by docs/build.py from the code, do not edit: detectors -->"
_END = "<!-- End: detectors -->"


def detection_page() -> str:
    """Return the page on detection with the list of detectors as the code and the default policy have it.

    Raises:
        ValueError: A mark is missing.
    """
    before, begin, rest = _read(DOCS / "detection.md").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"docs/detection.md: expected the marks {_BEGIN!r} and {_END!r}")
    return f"{before}{begin}\n\n{_detectors()}\n\n{end}{after}"


def _detectors() -> str:
    """Return one row for each detector: those of the joint score first, then by rule."""
    policy = yaml.safe_load(_read(DOCS.parent / "policies" / "default.yaml"))["detectors"]
    classes = {detector: detectors.detector_class(detector) for detector in detectors.ids()}
    ordered = sorted(classes, key=lambda each: (not classes[each].ADDS_UP, classes[each].RULE.id))
    rows = [
        f"| `{each}` ({classes[each].RULE.id}) | {classes[each].RULE.summary} "
        f"| {'yes' if classes[each].ADDS_UP else ''} | {'on' if policy[each]['enabled'] else 'off'} |"
        for each in ordered
    ]
    head = [
        "| detector | what a finding says | joins the joint score | default policy |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def decisions_page() -> str:
    """Return the index of decisions: the number and the title of each.

    Raises:
        ValueError: The first line of one is not its number and its title.
    """
    rows = [_decision(file) for file in sorted((DOCS / "adr").glob("[0-9]*.md"))]
    head = (
        "Each page says what was decided, why, and what was rejected. Pages are not rewritten: a later decision that changes an "
        "earlier one says so, and the earlier one points to it."
    )
    return _NOTE + "# Decisions\n\n" + head + "\n\n" + "\n".join(rows) + "\n"


def _decision(file: Path) -> str:
    first = _read(file).partition("\n")[0]
    title = first.removeprefix(f"# {int(file.name[:4])}. ")
    if title == first or not title:
        raise ValueError(
            f"docs/adr/{file.name}: expected '# NUMBER. TITLE' in the first line, received {first!r}"
        )
    return f"{int(file.name[:4])}. [{title}]({file.name})"


PAGES = {
    "rules.md": rules_page,
    "cli.md": cli_page,
    "ci.md": ci_page,
    "detection.md": detection_page,
    "adr/README.md": decisions_page,
}


def main() -> int:
    """Write or compare; return 1 if a page is not what the code says."""
    stale = [name for name, make in PAGES.items() if _read(DOCS / name) != make()]
    if "--check" not in sys.argv:
        for name, make in PAGES.items():
            (DOCS / name).write_text(make(), encoding="utf-8")
        return 0
    for name in stale:
        click.echo(f"docs/{name} is not what the code says; run: python docs/build.py", err=True)
    return 1 if stale else 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
