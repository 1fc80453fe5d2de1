"""Meta neural analysis: a judge that has seen many backdoored networks is asked about this one's answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from gate.core.evidence import Evidence, Measurement, Status
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.meta.features import describe
from gate.detectors.meta.model import MetaModel, parse
from gate.detectors.meta.responses import TRIGGERS, ask, unanswerable
from gate.detectors.shared.contract import Context, skipped

_RULE = Rule(
    id="BD109",
    name="backdoor-like-answers",
    summary="The network answers a fixed set of questions as backdoored networks do.",
    page=f"""\
## Looks for
Answers in the manner of backdoored networks. The network is shown procedural images, the same ones under {TRIGGERS} random
triggers, and under the step that pushes them most to each class; how strongly and how unevenly over the classes its answers
move is put into some twenty numbers, which a linear judge adds up.

## Needs
Nothing but the model. The judge that comes with the gate was made of networks of several architectures; one for your own
architecture is better: `backdoor-gate meta train MODEL --data IMAGES --out FOLDER` trains clean and backdoored networks of
it, and `check --meta FOLDER/meta.json`, or `parameters: {{model: FOLDER/meta.json}}` in the policy, uses what they taught.

## Decides by
The judge's sum, on the scale where {LIMIT} is what 1 % of clean networks exceed among those that the judge had not seen, by a
normal tail. `paper_statistic` is the sum itself.

## If it fires
See what the other detectors say. It shows no trigger, and the class that it names is only the one that is pushed to most
easily.

## Known limits
The judge for all architectures is made of 70 networks. It sees backdoors that the other detectors miss, and blames about one
clean network in thirty (docs/detection.md), so the default policy leaves it off and the strict one turns it on. It asks about a
network as a whole: where a patch of any kind sends images to one class, a clean network is blamed. A judge for
one architecture knows triggers like those that it was taught. An attacker who knows the judge can train against it.

## Paper
Xu et al., *Detecting AI Trojans Using Meta Neural Analysis*, IEEE S&P 2021; the questions and the judge are our own.
""",
    severity=Severity.HIGH,
    cwe=(506,),
    atlas=("AML.T0018",),
)

_NAME = "meta-neural-analysis"
# `python -m benchmarks calibrate meta` makes the file.
TABLE = Path(__file__).parent / "meta" / "judge.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaNeuralAnalysis:
    """Ask the network, and let a meta-model judge the answers.

    Attributes:
        model: A meta-model as text; a policy and `--meta` name its file. "" for the one that comes with the gate.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    model: str = ""

    def run(self, context: Context) -> Evidence:
        """Measure, if the meta-model is made for the network's architecture."""
        meta = parse(self.model or TABLE.read_text(encoding="utf-8"), "the meta-model")
        if meta.architecture not in ("", context.classifier.architecture()):
            return skipped(_NAME, _RULE.id, "The meta-model was made for networks of another architecture.")
        if told := unanswerable(context.classifier):
            return skipped(_NAME, _RULE.id, told)
        context.progress("asking the network", 0, 1, "")
        responses = ask(context.classifier)
        features = describe(responses)
        if set(meta.features) - set(features):
            return skipped(
                _NAME, _RULE.id, "The meta-model was made by another version of the gate; train it anew."
            )
        return _evidence(meta, features, int(responses.pushed.mean(axis=0).argmax()))


DETECTOR = MetaNeuralAnalysis


def _evidence(meta: MetaModel, features: dict[str, float], label: int) -> Evidence:
    total = meta.total(np.array([features[name] for name in meta.features]))
    return Evidence(
        detector=_NAME,
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=meta.index(total),
        paper_statistic=total,
        target_labels=(label,),
        measurements=(
            Measurement(name="networks_judged_by", value=float(meta.networks)),
            Measurement(name="held_out_auc", value=meta.auc),
            *(Measurement(name=name, value=features[name]) for name in meta.features),
        ),
    )
