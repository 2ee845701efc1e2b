"""Write the inputs of this folder that ``rfp-driver --print-ipi`` makes; the others extend nve.xml by hand.

python make_inputs.py benzene.rfp
"""

import sys
from pathlib import Path

from rfp_md.artifact import load
from rfp_md.driver.transports import InetAddress, UnixAddress
from rfp_md.interfaces.ipi.input import ipi_input

HERE = Path(__file__).resolve().parent
START = f"{HERE.parent}/data/benzene_gfn2.extxyz@:1"
SOCKET = UnixAddress("benzene")
INPUTS = {
    "nve.xml": (SOCKET, {}),
    "nvt.xml": (SOCKET, {"ensemble": "nvt"}),
    "pimd.xml": (SOCKET, {"ensemble": "nvt", "beads": 32}),
    "uncertainty.xml": (InetAddress("127.0.0.1", 31404), {"ensemble": "nvt", "committee": True}),
    "pimd_in_process.xml": (None, {"ensemble": "nvt", "beads": 32}),
}


def make_inputs(model):
    """The texts by file name, for a model of benzene; paths are relative to this folder, where i-PI is to run."""
    potential = load(model)
    texts = {
        name: ipi_input(potential, HERE / "benzene.rfp", address, init=START, **options)
        for name, (address, options) in INPUTS.items()
    }
    return {name: text.replace(f"{HERE}/", "").replace(str(HERE.parents[1]), "../..") for name, text in texts.items()}


if __name__ == "__main__":
    for name, text in make_inputs(sys.argv[1]).items():
        (HERE / name).write_text(text)
