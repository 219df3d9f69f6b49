"""Values of foreign files in messages. They are cut before anything else is done with them."""

LONGEST = 100  # characters


def shown(value: object, longest: int = LONGEST) -> str:
    """A text's start, or a number; of anything else its type, for its text could be endless."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:longest]} ..."
    if value is None or isinstance(value, bool | float):
        return str(value)
    if isinstance(value, int) and abs(value) < 10**LONGEST:
        return str(value)
    return f"a {type(value).__name__}"
