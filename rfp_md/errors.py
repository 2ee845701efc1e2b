"""The one exception for bad input, and its kind for structures that are none."""


class UserError(Exception):
    """Bad input: one sentence that names the file, the key or the flag, and the remedy.

    The command line prints it as one line on stderr and exits with 2.
    """


class GeometryError(UserError):
    """A structure in which nothing can be computed: dynamics that gets there has blown up."""


def check_choice(flag: str, value: str, known: tuple[str, ...]) -> None:
    """Raise UserError for a word that is none of the known ones."""
    if value not in known:
        raise UserError(f"{flag} {value}: must be one of {', '.join(known)}")
