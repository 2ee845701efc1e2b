"""ASE calculators: made by the path of their class, as potentials, and potentials as calculators."""

from rfp_md.calculators.by_path import level_of_theory, make_calculator

__all__ = ["level_of_theory", "make_calculator"]
