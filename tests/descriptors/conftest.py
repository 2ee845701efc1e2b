"""The conformance kit without its second process, for descriptors with many options."""

import pytest

from rfp_md.testing import check_descriptor
from rfp_md.testing.descriptors import DescriptorChecks
from rfp_md.testing.outcomes import skip


@pytest.fixture
def conforms(monkeypatch):
    """check_descriptor; tests/testing asks another process for the values of every descriptor's defaults."""
    monkeypatch.setattr(DescriptorChecks, "processes", lambda self: skip("no other process for each option"))
    return check_descriptor
