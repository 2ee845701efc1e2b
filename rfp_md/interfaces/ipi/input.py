"""A complete input for i-PI: one file that runs as it stands."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import quoteattr

import numpy as np
from ase import Atoms

from rfp_md.driver.transports import IPI_PREFIX, Address, InetAddress, UnixAddress
from rfp_md.errors import UserError
from rfp_md.frames import Frames, formula
from rfp_md.interfaces.ipi import forcefield as ipi_forcefield
from rfp_md.interfaces.ipi.structure import beads_and_cell
from rfp_md.interfaces.template import needs_template, read_structure, template_of
from rfp_md.io.atoms import from_atoms
from rfp_md.potential import Potential
from rfp_md.structures.atom_order import check_unlabelled_order
from rfp_md.verbs import with_options

Ensemble = Literal["nve", "nvt"]

# Twelve decimals, because total energies are thousands of eV and their changes micro-eV.
SIMULATION = """\
<simulation verbosity="low" safe_stride="{stride}" floatformat="%20.12e"{sockets}>
  <output prefix="run">
    <properties filename="out" stride="{stride}" flush="100">
      [ step, time{{picosecond}}, conserved{{electronvolt}}, temperature{{kelvin}}, kinetic_md{{electronvolt}},
        potential{{electronvolt}}{quantum} ]
    </properties>
    <trajectory filename="pos" stride="{seldom}" flush="10" cell_units="angstrom"> {positions}{{angstrom}} </trajectory>
{uncertainty}    <checkpoint filename="checkpoint" stride="{rarely}" overwrite="True"/>
  </output>
  <total_steps> {steps} </total_steps>
  <prng> <seed> {seed} </seed> </prng>
{forcefield}
  <system>
{structure}
{velocities}    <forces> <force forcefield="rfp"/> </forces>
    <ensemble> <temperature units="kelvin"> {temperature:g} </temperature> </ensemble>
    <motion mode="dynamics">
      <dynamics mode="{ensemble}">
        <timestep units="femtosecond"> {timestep:g} </timestep>{thermostat}
      </dynamics>
    </motion>
  </system>
</simulation>
"""

# Hartree, and of the model's figures those of rfp_md.driver.extras.
UNCERTAINTY = """\
    <trajectory filename="uncertainty" stride="{stride}" bead="0"
      extra_type="committee_uncertainty"> extras </trajectory>
    <trajectory filename="force_uncertainty" stride="{stride}" bead="0"
      extra_type="committee_force_uncertainty_ev_per_angstrom"> extras </trajectory>
"""

VELOCITIES = """\
    <initialize nbeads="{beads}"> <velocities mode="thermal" units="kelvin"> {temperature:g} </velocities> </initialize>
"""

THERMOSTAT = """
        <thermostat mode="{mode}"> <tau units="femtosecond"> 100 </tau> </thermostat>"""


@dataclass(frozen=True)
class InputOptions:
    """Options of ``ipi_input``.

    Attributes:
        potential: the model.
        model: its file.
        address: where rfp-driver will look for i-PI; None: the potential runs in i-PI's own process.
        shared_memory: whether the driver is started with ``--shm``.
        template: which atom is which, for a model of any composition.
        init: structure to start from; default: the template, or the model's reference structure.
        ensemble: ``nve`` or ``nvt``.
        beads: more than one makes it a path integral, whose beads are evaluated as one batch.
        temperature: of the initial velocities and of the thermostat, K.
        timestep: fs.
        stride: steps between lines of ``run.out``.
        moving: the model's atoms to start from, with their momenta; default: ``init`` with thermal ones.
        exit_on_disconnect: whether i-PI ends with its driver, or waits for another one.
        committee: whether i-PI moves the atoms on the mean of the model's committee and writes its spread; the driver
            is started with ``--committee`` then.
    """

    potential: Potential
    model: str | Path
    address: Address | None
    _: KW_ONLY
    shared_memory: bool = False
    template: str | Path | None = None
    init: str | Path | None = None
    ensemble: Ensemble = "nve"
    beads: int = 1
    temperature: float = 300.0
    timestep: float = 0.5
    steps: int = 20_000
    stride: int = 10
    seed: int = 0
    moving: Atoms | None = None
    exit_on_disconnect: bool = False
    committee: bool = False


@with_options(InputOptions)
def ipi_input(options: InputOptions) -> str:
    """Write the text of ``input.xml`` for dynamics with a model; its arguments are the fields of ``InputOptions``.

    Raises:
        UserError: a file that cannot be read or has other atoms, or numbers that make no run.
    """
    _check_numbers(options)
    template = options.template
    if template is None and needs_template(options.potential):
        template = options.init
    stride, beads, moving = options.stride, options.beads, options.moving
    return SIMULATION.format(
        sockets=_sockets_prefix(options.address),
        stride=stride,
        seldom=10 * stride,
        rarely=100 * stride,
        quantum="" if beads == 1 else ", kinetic_cv{electronvolt}",
        positions="positions" if beads == 1 else "x_centroid",
        steps=options.steps,
        seed=options.seed,
        uncertainty=UNCERTAINTY.format(stride=stride) if options.committee else "",
        forcefield=_forcefield(options, template),
        structure=beads_and_cell(_start(options, template), beads, None if moving is None else moving.get_momenta()),
        velocities=VELOCITIES.format(beads=beads, temperature=options.temperature) if moving is None else "",
        temperature=options.temperature,
        ensemble=options.ensemble,
        timestep=options.timestep,
        thermostat=_thermostat(options),
    )


def _check_numbers(options: InputOptions) -> None:
    temperature, timestep = options.temperature, options.timestep
    if not (temperature > 0 and np.isfinite(temperature) and timestep > 0 and np.isfinite(timestep)):
        raise UserError("an i-PI input needs a positive temperature and a positive timestep")
    if min(options.beads, options.steps, options.stride) < 1 or options.seed < 0:
        raise UserError("an i-PI input needs at least one bead and one step, and a seed that is not negative")


def _start(options: InputOptions, template: str | Path | None) -> Frames:
    """The structure that the run starts from, which must have the atoms that the driver will expect."""
    atoms, init = template_of(options.potential, template), options.init
    start = atoms if init is None else read_structure(options.potential, init)
    if options.moving is not None:
        start = from_atoms([options.moving], source=atoms.source)
    if not np.array_equal(start.numbers, atoms.numbers):
        raise UserError(f"{init}: has atoms {formula(start.numbers)}, but {atoms.source} has {formula(atoms.numbers)}")
    if start.pbc != atoms.pbc:
        raise UserError(f"{init}: is periodic along {start.pbc}, but {atoms.source} along {atoms.pbc}; give both alike")
    if init is not None and not start.periodic:
        # The driver would refuse it at the first step.
        check_unlabelled_order(atoms, start.positions[0], source=f"{init}:")
    return start


def _forcefield(options: InputOptions, template: str | Path | None) -> str:
    """Where i-PI's forces come from."""
    if options.address is None:
        forcefield = ipi_forcefield.direct(options.model, template, batch=options.beads)
    else:
        forcefield = ipi_forcefield.socket(
            options.address,
            shared_memory=options.shared_memory,
            batch=options.beads,
            exit_on_disconnect=options.exit_on_disconnect,
        )
    if not options.committee:
        return forcefield
    if not isinstance(options.address, InetAddress):
        raise UserError("--committee: i-PI's ffcommittee works with an inet socket only; give --host and --port")
    return ipi_forcefield.committee(forcefield)


def _sockets_prefix(address: Address | None) -> str:
    """Said only where it is not i-PI's own."""
    if isinstance(address, UnixAddress) and (prefix := ipi_forcefield.split(address)[0]) != IPI_PREFIX:
        return f" sockets_prefix={quoteattr(prefix)}"
    return ""


def _thermostat(options: InputOptions) -> str:
    if options.ensemble == "nve":
        return ""
    return THERMOSTAT.format(mode="langevin" if options.beads == 1 else "pile_l")
