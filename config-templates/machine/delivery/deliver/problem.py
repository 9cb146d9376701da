"""What can go wrong with a delivery."""


class Refused(Exception):
    """A delivery that cannot be used; the text names what is wrong with it, and holds no secret."""
