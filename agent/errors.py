"""The agent's branch of the error tree; all of it is drawn in `storage.errors`."""

from storage import WindowseatError


class SettingsInvalid(WindowseatError):
    pass


class PromptRefused(WindowseatError):
    pass


class AgentClosed(WindowseatError):
    def __init__(self) -> None:
        super().__init__("This agent was closed: make a new one.")


class ModelError(WindowseatError):
    pass


class ModelUnavailable(ModelError):
    pass


class ModelUnknown(ModelError):
    pass


class ModelFailed(ModelError):
    pass


class ModelTimeout(ModelError):
    pass


class ReplyCut(ModelError):
    pass
