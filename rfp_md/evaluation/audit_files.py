"""Reference frames before a fit and before they judge one: the function behind ``rfp data audit``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfp_md.errors import UserError
from rfp_md.evaluation.labels.audit import audit_labels
from rfp_md.evaluation.labels.findings import Finding
from rfp_md.evaluation.leakage import Leakage, audit
from rfp_md.evaluation.options import AuditOptions
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.verbs import with_options


@dataclass(frozen=True)
class Audit:
    """What was found.

    Attributes:
        labels: what is wrong with the labels of any of the files.
        leakage: how many of the judging frames are known from the training; None without judging frames.
        failed: whether there is leakage, or with ``strict`` anything wrong with the labels.
    """

    labels: Sequence[Finding]
    leakage: Leakage | None
    failed: bool

    def as_dict(self) -> dict[str, Any]:
        """The counts of the leakage by name, and the findings, for JSON."""
        found = {} if self.leakage is None else self.leakage.as_dict()
        return {**found, "labels": [finding.as_dict() for finding in self.labels]}


@with_options(AuditOptions)
def audit_files(options: AuditOptions) -> Audit:
    """Look whether labels contradict each other; with ``test``, also whether its frames are known from ``train``.

    ``train`` may be a ``.rfp`` model, which knows the frames it was fitted to, but not their labels.

    Raises:
        UserError: a file that cannot be read, or a model that does not know its training frames.
    """
    from rfp_md.artifact.file import load

    train, test = options.train, options.test
    labels: list[Finding] = []
    if Path(train).suffix == ".rfp":
        known = load(train).fingerprints
        if known is None:
            raise UserError(f"{train}: does not know its training frames; give them themselves, or train it again")
        if test is None:
            raise UserError(f"{train}: is a model, which has no labels to look at; give the frames that judge it, too")
    else:
        dataset = options.read(train)
        known = Fingerprints.of(dataset)
        labels += audit_labels(dataset)
    leakage = None
    if test is not None:
        dataset = options.read(test)
        leakage = audit(known, Fingerprints.of(dataset))
        labels += audit_labels(dataset)
    failed = (leakage is not None and leakage.leaks) or (options.strict and len(labels) > 0)
    return Audit(labels, leakage, failed)
