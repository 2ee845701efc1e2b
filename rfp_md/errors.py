"""The one exception for bad input."""


class UserError(Exception):
    """Bad input: one sentence that names the file, the key or the flag, and the remedy.

    The command line prints it as one line on stderr and exits with 2.
    """
