"""Users and their API keys."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.base import NO_NUL, WHOLE, Answer, Request, ShortText
from projectdavid.protocol.erasures import Erasure
from projectdavid.protocol.usage import Limits, UserLimits

EMAIL_PATTERN = r"^[^@\x00-\x20]+@[^@\x00-\x20]+$"
Email = Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=EMAIL_PATTERN)]


class UserCreate(Request):
    """The body with which an admin creates a user."""

    email: Email | None = None
    full_name: ShortText | None = None
    given_name: ShortText | None = None
    family_name: ShortText | None = None
    picture_url: Annotated[str, StringConstraints(max_length=2048, pattern=NO_NUL)] | None = None
    email_verified: bool | None = None
    oauth_provider: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = "local"
    provider_user_id: ShortText | None = None
    is_admin: bool = False
    limits: UserLimits | None = None


class UserUpdate(UserCreate):
    """The body that updates a user: only the given fields change; `is_admin` and `limits` require an admin."""


class User(Answer):
    """A user."""

    id: str
    object: Literal["user"] = "user"
    email: str | None = None
    full_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    picture_url: str | None = None
    email_verified: bool | None = None
    oauth_provider: str | None = None
    is_admin: bool = False
    limits: Limits = Limits()
    """The user's own limits; unset ones have the value of the server's settings."""
    created_at: str
    updated_at: str


class UserDeleted(Answer):
    """Confirms that a user and all their objects were deleted."""

    id: str
    object: Literal["user.deleted"] = "user.deleted"
    deleted: Literal[True] = True
    success: Literal[True] = True
    message: str
    erasure_id: str
    """Id of the report on the erasure."""
    erasure: Erasure
    """The report at this time."""


KeyName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
CODE_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
SESSION_SECONDS = 12 * 3600
MAX_SESSION_SECONDS = 30 * 86_400


class KeyCreate(Request):
    """The body that creates an API key. It expires after days or seconds, or never."""

    key_name: KeyName | None = None
    expires_in_days: Annotated[int, Field(ge=1, le=36_500), WHOLE] | None = None
    expires_in: Annotated[int, Field(ge=1, le=36_500 * 86_400), WHOLE] | None = None
    """Seconds; instead of `expires_in_days`."""
    approve: bool | None = None
    """False: the key cannot approve tool calls, or change what needs approval. If omitted, as the request's key."""


class AuthCode(Answer):
    """A one-time code that `POST /v1/auth/exchange` exchanges for an API key."""

    code: str
    expires_at: str


class KeyExchange(Request):
    """The body that exchanges a one-time code, or the key of the request, for an API key that expires."""

    code: Annotated[str, StringConstraints(pattern=CODE_PATTERN)] | None = None
    """A one-time code; without one, the key of the request is exchanged."""
    key_name: KeyName | None = None
    expires_in: Annotated[int, Field(ge=1, le=MAX_SESSION_SECONDS), WHOLE] = SESSION_SECONDS
    """Seconds until the new key expires."""


class Key(Answer):
    """An API key, without its secret; `prefix` identifies it."""

    prefix: str
    key_name: str | None = None
    user_id: str
    created_at: str
    expires_at: str | None = None
    last_used_at: str | None = None
    is_active: bool
    approve: bool = True
    """Whether it can approve tool calls, and change what needs approval."""


class KeyCreated(Answer):
    """A new key; `plain_key` is returned only once."""

    plain_key: str
    details: Key


class Keys(Answer):
    """The keys of a user."""

    keys: list[Key]


class KeyRevoked(Answer):
    """Confirms that a key was revoked."""

    prefix: str
    object: Literal["api_key.revoked"] = "api_key.revoked"
    revoked: Literal[True] = True


class KeyValid(Answer):
    """The owner of a key."""

    user_id: str
    valid: Literal[True] = True
    is_admin: bool = False


class ConsoleBuild(Answer):
    """The web console of a server: the version of its package, and the hash of its sources."""

    version: str
    sources: str


class Health(Answer):
    """Health of the server."""

    status: Literal["ok"] = "ok"
    version: str
    role: Literal["all", "api", "worker"] = "all"
    """`api`: this process answers requests only; `worker`: it works in the background only."""
    uptime_s: float
    providers: list[str]
    tools: dict[str, Any]
    sandbox: dict[str, Any] = {}
    knowledge: dict[str, Any] = {}
    web_search: dict[str, Any] = {}
    runs: dict[str, int]
    console: ConsoleBuild | None = None
    """The web console; null if it is off or not built."""
    held_since: int | None = None
    """Set on a restored copy that is not released: it only serves reads, calls no model and sends no webhook."""
    store_free_bytes: int = 0
    """Bytes in the database and index files that `projectdavid compact` would free."""
    max_file: int | None = None
    """Bytes of the largest file that can be uploaded; null if the server is too old to report it."""
