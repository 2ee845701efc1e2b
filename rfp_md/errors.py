"""The one exception for bad input."""


class UserError(Exception):
    """Bad input: one sentence that names the file, the key or the flag, and the remedy.

    The command line prints it as one line on stderr and exits with 2.
    """


def check_choice(flag: str, value: str, known: tuple[str, ...]) -> None:
    """Raise UserError for a word that is none of the known ones."""
    if value not in known:
        raise UserError(f"{flag} {value}: must be one of {', '.join(known)}")
