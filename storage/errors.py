"""Everything that can go wrong, as one tree. `str(error)` is one sentence a person can act on.

WindowseatError
├── StoreError                 the database would not do it; what was stored before is intact
│   ├── StoreUnavailable       it can't be opened or reached
│   ├── StoreReadOnly          it can be read but not written
│   ├── StoreFull              there is no room left
│   ├── StoreLocked            another program kept it locked for too long
│   ├── StoreDamaged           it is damaged, or no database at all
│   └── StoreNotOurs           a newer Windowseat or another program made it
├── SessionNotFound            no session of that name belongs to this owner
├── SessionBusy                a turn of the session is still running
├── SessionEnded               the session was ended, and takes no prompt until it is reopened
├── TurnNotFound               no such turn in the session
├── TurnExists                 a turn with that idempotency key was opened before
├── TooManyPinned              a session has only so many turns that are always seen
├── WaitingGone                the prompt no longer waits: it was sent or taken back
├── OthersFirst                prompts that wait are to be sent before this one
├── TooManyWaiting             only so many prompts wait in a session
├── TemplateNotFound           no template of that name belongs to this owner
├── TemplateExists             the owner has a template of that name already
├── TokenNotFound              no token has that number
├── TextRefused                the text holds what no database keeps
├── TransferRefused            a file to be imported is none of those that are read, or as a whole not to be trusted
└── (in agent/errors.py)
    ├── SettingsInvalid        a setting is out of range or malformed
    ├── AgentClosed            the agent was closed already
    ├── OfferGone              no export is offered under that key, or no longer
    ├── RunStopped             somebody stopped the turn that an agent of one's own was answering
    ├── AccessRefused          only this machine is served, or only who comes with a token
    │   ├── TokenWanted        none came
    │   └── TokenUnknown       it is none, or was revoked
    ├── PromptRefused          the prompt is blank, too long, or holds what SQL can't
    └── ModelError             the model did not answer as it should
        ├── ModelUnavailable   its server can't be reached
        │   └── ModelBusy      or has too many requests waiting
        ├── ModelUnknown       no such model, or its package or key is missing
        │   └── ModelMissing   the Ollama server has not got it yet
        ├── ModelFailed        it reported an error of its own
        │   └── ModelTooLarge  that it does not fit into memory
        ├── ModelTimeout       it said nothing for too long in the middle of its answer
        │   └── ModelLoading   or did not begin: it is still being loaded
        ├── ReplyCut           the connection broke in the middle of its answer
        │   ├── ReplyUnfinished  the answer ended without its last line
        │   └── ReplyTooLong   it reached the end of the context, or of the length it may have
        ├── PullCancelled      getting it was cancelled
        └── LoadCancelled      loading it into memory was cancelled
"""


class WindowseatError(Exception):
    """The root: catch this to catch all that Windowseat raises on purpose."""


SHOWN = 60
"""How much of a name that nobody made is repeated, in characters."""


def _shortened(name: str) -> str:
    return name if len(name) <= SHOWN else f"{name[:SHOWN]}…"


class StoreError(WindowseatError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreReadOnly(StoreError):
    pass


class StoreFull(StoreError):
    pass


class StoreLocked(StoreError):
    pass


class StoreDamaged(StoreError):
    pass


class StoreNotOurs(StoreError):
    pass


class SessionNotFound(WindowseatError):
    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is no session “{_shortened(session_id)}”.")


class SessionBusy(WindowseatError):
    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session “{session_id}” is still answering: wait for the reply or stop it, then try again.")


class SessionEnded(WindowseatError):
    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session “{session_id}” was ended: reopen it to go on.")


class TurnNotFound(WindowseatError):
    def __init__(self, turn_id: int) -> None:
        super().__init__(f"There is no turn {turn_id} in this session.")


class TurnExists(WindowseatError):
    """Carries the id of the turn that was opened with the same idempotency key."""

    def __init__(self, turn_id: int) -> None:
        self.turn_id = turn_id
        super().__init__(f"This was sent before: it is turn {turn_id}.")


class TooManyPinned(WindowseatError):
    def __init__(self, most: int) -> None:
        super().__init__(f"A session can have {most} pinned turns, all its branches together: unpin one of them first.")


class WaitingGone(WindowseatError):
    def __init__(self) -> None:
        super().__init__("This prompt waits no longer: it was sent or taken back meanwhile.")


class OthersFirst(WindowseatError):
    def __init__(self) -> None:
        super().__init__("Other prompts of this session are to be sent before this one.")


class TooManyWaiting(WindowseatError):
    def __init__(self, most: int) -> None:
        super().__init__(f"{most} prompts wait in this session already: let them be answered, or take some back.")


class TemplateNotFound(WindowseatError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no template “{_shortened(name)}”.")


class TemplateExists(WindowseatError):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is a template “{_shortened(name)}” already: choose another name, or change that one.")


class TokenNotFound(WindowseatError):
    def __init__(self, token_id: int) -> None:
        super().__init__(f"There is no token {token_id}.")


class TextRefused(WindowseatError):
    def __init__(self) -> None:
        super().__init__("The text holds a NUL character or half of a character, which no database keeps: remove it.")


class TransferRefused(WindowseatError):
    pass
