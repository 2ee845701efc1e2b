"""Can a potential be trusted in MD? Checks that give figures and a verdict."""

from rfp_md.validation.run import validate

__all__ = ["validate"]
