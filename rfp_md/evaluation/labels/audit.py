"""All that an audit asks of reference frames, in the order in which it is told."""

from __future__ import annotations

from rfp_md.errors import UserError
from rfp_md.evaluation.labels.contradictions import contradictions
from rfp_md.evaluation.labels.findings import Finding
from rfp_md.evaluation.labels.molecules import torn_molecules
from rfp_md.evaluation.labels.odd_frames import odd_frames
from rfp_md.evaluation.labels.placeholders import placeholders
from rfp_md.frames import Dataset
from rfp_md.progress import Progress


def audit_labels(dataset: Dataset, *, ordered: bool = True) -> list[Finding]:
    """Whether the labels of these frames agree with each other; the same frames give the same findings.

    Args:
        ordered: whether the order of a molecule's atoms matters.
    """
    molecules = torn_molecules(dataset, ordered=ordered)
    return [*placeholders(dataset), *contradictions(dataset), *odd_frames(dataset), *molecules]


def report_labels(dataset: Dataset, progress: Progress, *, ordered: bool, strict: bool) -> list[Finding]:
    """Audit the labels, as ``audit_labels`` does, and warn of what is found.

    Raises:
        UserError: something was found, and ``strict``.
    """
    findings = audit_labels(dataset, ordered=ordered)
    if findings and strict:
        raise UserError("; ".join(finding.text for finding in findings))
    for finding in findings:
        progress.message(f"warning: {finding.text}")
    return findings
