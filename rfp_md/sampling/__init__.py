"""Reference frames by molecular dynamics."""

from rfp_md.sampling.sample import sample

__all__ = ["sample"]
