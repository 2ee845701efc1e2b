"""From reference frames to a potential."""

from rfp_md.training.train import train

__all__ = ["train"]
