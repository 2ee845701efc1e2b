"""From reference frames to a potential."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md import plugins
from rfp_md.descriptors import Descriptor
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Floats, check_trainable, count_duplicates
from rfp_md.io import Units, read
from rfp_md.potential import Baseline, Potential
from rfp_md.progress import Progress
from rfp_md.regressors import Batch, Regressor, Samples, Sites
from rfp_md.splits import split_frames

PRESETS = {"fast": (["inverse_distances"], "random_fourier")}
