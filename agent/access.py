"""Who may: one rule for every door."""

import secrets
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from agent.errors import AccessRefused, TokenUnknown, TokenWanted
from agent.prompt import checked_owner
from storage import Store, Token

BEGINS = "windowseat_"
"""So that whoever finds one lying about sees what it is."""

BYTES = 32

_FORWARDED = ("forwarded", "via", "x-real-ip")
_FORWARDED_BEGINS = "x-forwarded-"


class Access:
    """The tokens, and the rule: where there is any, everybody comes with one; without, only this machine is served."""

    def __init__(self, store: Store, owner: str) -> None:
        self._tokens = store.tokens
        self._owner = owner

    def create(self, owner: str) -> tuple[int, str]:
        """A new token for an owner, and its number. Nobody can read it again. Raises PromptRefused."""
        token = BEGINS + secrets.token_urlsafe(BYTES)
        return self._tokens.add(checked_owner(owner), token), token

    def all(self) -> tuple[Token, ...]:
        """In the order in which they were made, without their secrets."""
        return self._tokens.all()

    def revoke(self, token_id: int) -> None:
        """Let a token open nothing any more. Raises TokenNotFound."""
        self._tokens.revoke(token_id)

    @property
    def wants_token(self) -> bool:
        """Whether there is any token, so that everybody needs one."""
        return self._tokens.any()

    def is_known(self, owner: str) -> bool:
        """Whether this owner could come in: as long as one of the tokens is theirs, or without any if it is our own."""
        every = self._tokens.all()
        return any(token.owner == owner for token in every) or (not every and owner == self._owner)

    def admit(self, token: str | None, *, from_here: bool) -> tuple[str, int | None]:
        """The owner who comes so, and the number of the token; None for who comes without, from this machine.

        `from_here` says that nobody else can have sent it: it came over loopback and through no proxy.
        Raises TokenUnknown, TokenWanted, AccessRefused.
        """
        if token:
            found = self._tokens.find(token)
            if found is None:
                raise TokenUnknown
            return found.owner, found.id
        if self.wants_token:
            raise TokenWanted
        if not from_here:
            raise AccessRefused
        return self._owner, None


def is_from_here(address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a connection can only have been made on this machine.

    `address` is that of the other end, None for the usual ones of this machine; `headers` are those of the request, by
    names in any case. Through a proxy everybody comes from this machine, and a page of elsewhere can have its name
    lead here: so what a proxy adds must not be there, and the names must be this machine's.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if any(name in _FORWARDED or name.startswith(_FORWARDED_BEGINS) for name in given):
        return False
    origin = given.get("origin")
    names = [f"//{given.get('host', '')}", *([] if origin is None else [origin])]
    return (address is None or is_loopback(address)) and all(is_loopback(_host(name)) for name in names)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """Whether it is a name or address of this machine for itself."""
    if name == "localhost":
        return True
    try:
        found = ip_address(name)
    except ValueError:
        return False
    inner = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (inner or found).is_loopback
