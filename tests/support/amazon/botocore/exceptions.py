class BotoCoreError(Exception):
    pass


class ClientError(Exception):
    def __init__(self, response: dict, operation: str) -> None:
        super().__init__(f"An error occurred ({response['Error']['Code']}) when calling {operation}")
        self.response = response
