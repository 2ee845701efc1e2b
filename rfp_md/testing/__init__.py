"""The conformance kit for plugin authors: is this descriptor, regressor or baseline right?

In the tests of a plugin package:


    def test_it_conforms():
        check_descriptor(MyDescriptor())

and over everything that is installed:

    @pytest.mark.parametrize(("kind", "name"), installed_plugins())
    def test_conformance(kind, name):
        check_plugin(kind, name)

A failed check raises AssertionError with one sentence for each defect, which says what to mend.
``rfp plugins check NAME`` shows the same as a table.
"""

from rfp_md.testing.baselines import baseline_outcomes, check_baseline
from rfp_md.testing.descriptors import check_descriptor, descriptor_outcomes
from rfp_md.testing.installed import check_plugin, installed_plugins, plugin_outcomes
from rfp_md.testing.outcomes import Outcome
from rfp_md.testing.regressors import check_regressor, regressor_outcomes

__all__ = [
    "Outcome",
    "baseline_outcomes",
    "check_baseline",
    "check_descriptor",
    "check_plugin",
    "check_regressor",
    "descriptor_outcomes",
    "installed_plugins",
    "plugin_outcomes",
    "regressor_outcomes",
]
