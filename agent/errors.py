"""The agent's branch of the error tree; all of it is drawn in `storage.errors`."""

from storage import WindowseatError


class SettingsInvalid(WindowseatError):
    pass


class AccessRefused(WindowseatError):
    def __init__(self, sentence: str = "") -> None:
        super().__init__(
            sentence
            or "Without tokens only this machine is served: make one there with: python -m api token create OWNER"
        )


class TokenWanted(AccessRefused):
    def __init__(self) -> None:
        super().__init__(
            "A token is wanted: make one on the machine that serves, with python -m api token create OWNER"
        )


class TokenUnknown(AccessRefused):
    def __init__(self) -> None:
        super().__init__("This token is not known here, or was revoked.")


class PromptRefused(WindowseatError):
    pass


class AgentClosed(WindowseatError):
    def __init__(self) -> None:
        super().__init__("This agent was closed: make a new one.")


class ModelError(WindowseatError):
    pass


class ModelUnavailable(ModelError):
    pass


class ModelBusy(ModelUnavailable):
    pass


class ModelUnknown(ModelError):
    pass


class ModelMissing(ModelUnknown):
    """Carries the name under which it can be pulled."""

    _BEGINS = "Ollama has no model"

    def __init__(self, model: str, sentence: str = "") -> None:
        self.model = model
        super().__init__(sentence or f"{self._BEGINS} “{model}”. Get it with: ollama pull {model}")

    @classmethod
    def is_said_by(cls, sentence: str | None) -> bool:
        """Whether the sentence, as a turn keeps it, is that of a model that could be pulled."""
        return sentence is not None and sentence.startswith(cls._BEGINS)


class ModelFailed(ModelError):
    pass


class ModelTooLarge(ModelFailed):
    pass


class ModelTimeout(ModelError):
    pass


class ModelLoading(ModelTimeout):
    pass


class ReplyCut(ModelError):
    pass


class ReplyUnfinished(ReplyCut):
    pass


class ReplyTooLong(ReplyCut):
    pass


class PullCancelled(ModelError):
    pass


class LoadCancelled(ModelError):
    def __init__(self, model: str) -> None:
        super().__init__(f"Loading {model} was cancelled.")


class OfferGone(WindowseatError):
    def __init__(self) -> None:
        super().__init__("This export is no longer offered: ask for it again.")


class RunStopped(WindowseatError):
    def __init__(self) -> None:
        super().__init__("This run was stopped: what it had said until then is kept.")
