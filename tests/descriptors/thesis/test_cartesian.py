import pytest

from rfp_md.descriptors import Capabilities
from rfp_md.descriptors.thesis.cartesian import Cartesian
from rfp_md.testing.descriptors import DescriptorChecks
from rfp_md.testing.outcomes import CheckFailedError
from rfp_md.testing.structures import molecule


class Boastful(Cartesian):
    """It declares what it does not keep."""

    capabilities = Capabilities(differentiable=True, rotation_invariant=True, fixed_composition=True)


def test_a_cartesian_model_s_values_fail_the_rotation_test():
    with pytest.raises(CheckFailedError, match="declares rotation_invariant, but the values change"):
        DescriptorChecks(Boastful(), molecule()).rotation()
