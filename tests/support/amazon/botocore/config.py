class Config:
    def __init__(self, **given):
        self.given = given
