"""What tests of a fit share."""

from rfp_md.baselines.elements import Baseline


def elements_of(dataset):
    """The energies of the elements, fitted."""
    return Baseline.fit(dataset)
