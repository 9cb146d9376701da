from typing import Any


class Config:
    def __init__(self, **given: Any) -> None:
        self.given = given
