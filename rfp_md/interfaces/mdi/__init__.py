"""MDI: the model as an engine."""

from rfp_md.interfaces.mdi.serve import serve_mdi

__all__ = ["serve_mdi"]
