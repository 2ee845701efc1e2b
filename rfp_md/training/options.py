"""Options of ``rfp train``."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Union

from rfp_md.io.options import DATA, OUTPUT, Files, ReadingOptions
from rfp_md.progress import Progress
from rfp_md.verbs import Option

if TYPE_CHECKING:
    from rfp_md.frames import Dataset

Target = Literal["conservative", "direct"]
PresetName = Literal["accurate", "fast", "reference"]


@dataclass(frozen=True)
class TrainOptions(ReadingOptions):
    """Options of ``rfp train``."""

    data: Annotated[Union[Files, "Dataset"], DATA] = ()
    _: KW_ONLY
    output: Annotated[Path | str | None, Option("The .rfp file to write.", flags=OUTPUT, required=True)] = None
    descriptor: Annotated[Sequence[str], Option("NAME[:key=value,...], once for each term; width=N is its width.")] = ()
    regressor: Annotated[
        str | None,
        Option("NAME[:key=value,...]; what is not named of the preset's own regressor stays as it is there."),
    ] = None
    width: Annotated[int | None, Option("Number of features of the whole model; default: the preset's.", least=1)] = (
        None
    )
    baseline: Annotated[
        Sequence[str],
        Option(
            "NAME[:key=value,...], once for each part that is not learned; default: elements, and zbl where all terms "
            "are local; 'elements' alone leaves zbl out."
        ),
    ] = ()
    atom_energy: Annotated[
        Sequence[str],
        Option(
            "SYMBOL=ENERGY[,...] of single atoms, in --energy-unit or eV, or 'isolated': of those among the frames; "
            "default: by least squares of all frames."
        ),
    ] = ()
    skip_failed: Annotated[
        bool, Option("Leave out frames at which a calculator among the baselines fails, and count them.")
    ] = False
    weight: Annotated[
        Sequence[str],
        Option(
            "KIND=energy:force:stress, once for each config_type whose labels are not to weigh 1; 0: not fitted to."
        ),
    ] = ()
    level: Annotated[
        Sequence[Path | str],
        Option("A file of frames, twice, in place of DATA: of a low level of theory, then of the one to be learned."),
    ] = ()
    target: Annotated[Target, Option("conservative: forces are the energy's gradient; direct: they are not.")] = (
        "conservative"
    )
    preset: Annotated[
        PresetName,
        Option(
            "accurate: local and labelled terms; fast: labelled distances of one molecule; "
            "reference: accurate's exact kernel, for up to a few hundred frames."
        ),
    ] = "accurate"
    n_train: Annotated[int | None, Option("Frames to train on; default: all that are left.")] = None
    n_valid: Annotated[int | None, Option("Frames to choose hyper-parameters on; default: 10 %.")] = None
    split: Annotated[str, Option("random, contiguous, or a JSON file of indices.")] = "random"
    seed: Annotated[
        int, Option("Seed of everything random; with one number of threads, it fixes the file's bytes.", least=0)
    ] = 0
    learning_curve: Annotated[
        str | Sequence[int] | None, Option("Numbers of training frames, as in 50,100,200, to fit to as well.")
    ] = None
    time_budget: Annotated[str | None, Option("90s, 5min or 1h: as many features as can be fitted in it.")] = None
    strict: Annotated[bool, Option("Refuse frames whose labels contradict each other, instead of a warning.")] = False
    progress: Progress | None = None
