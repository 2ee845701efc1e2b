"""How far a potential is from reference frames, and whether that says anything."""

from rfp_md.evaluation.evaluate import error_figures, evaluate, pairs_of

__all__ = ["error_figures", "evaluate", "pairs_of"]
