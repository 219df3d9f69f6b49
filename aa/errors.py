"""The error a user can mend. It carries one line; runners print it and exit with code 2."""


class UserError(ValueError):
    """Something outside the program is wrong: a key, a file, a folder, a machine.

    The message is one line that says what was found, what was wanted and what to do.
    """


class ClipError(UserError):
    """One clip of a data set (a video and its pose video) cannot be used. The message names it."""
