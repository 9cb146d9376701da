"""What is wrong with a connection, for the journal."""


class Refused(Exception):
    """The other side does not do what it is asked for; it says why."""


class Problem:
    """Said once: whoever is away is asked again and again."""

    def __init__(self, about: str, well: str) -> None:
        """`well`: what is said when it is over."""
        self.about = about
        self.well = well
        self.text = ""

    def tell(self, problem: str | BaseException) -> None:
        text = str(problem) or type(problem).__name__
        if text != self.text:
            print(f"{self.about}{text}", flush=True)
        self.text = text

    def over(self) -> None:
        if self.text:
            print(f"{self.about}{self.well}", flush=True)
        self.text = ""
