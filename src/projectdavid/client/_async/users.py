"""Users and their API keys."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given_fields, present
from projectdavid.client.lists import AnswerList, Order
from projectdavid.client.resource import MethodGroup
from projectdavid.client.wire import ApiCall, at, read
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.erasures import Erasure
from projectdavid.protocol.users import AuthCode, Key, KeyCreated, KeyRevoked, Keys, KeyValid, User, UserDeleted


class AsyncUsers(MethodGroup):
    """Users of the server. Only admins can create, list and delete them."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_user(
        self,
        *,
        email: Maybe[str | None] = NOT_GIVEN,
        full_name: Maybe[str | None] = NOT_GIVEN,
        given_name: Maybe[str | None] = NOT_GIVEN,
        family_name: Maybe[str | None] = NOT_GIVEN,
        picture_url: Maybe[str | None] = NOT_GIVEN,
        email_verified: Maybe[bool | None] = NOT_GIVEN,
        oauth_provider: Maybe[str | None] = NOT_GIVEN,
        provider_user_id: Maybe[str | None] = NOT_GIVEN,
        is_admin: Maybe[bool] = NOT_GIVEN,
        idempotency_key: str | None = None,
        limits: Maybe[JsonObject | None] = NOT_GIVEN,
    ) -> User:
        """Create a user (admin). Requests with the same `idempotency_key` create it once.

        Raises:
            PermissionDeniedError: the key is not an admin's.
        """
        body = given_fields(
            email=email,
            full_name=full_name,
            given_name=given_name,
            family_name=family_name,
            picture_url=picture_url,
            email_verified=email_verified,
            oauth_provider=oauth_provider,
            provider_user_id=provider_user_id,
            is_admin=is_admin,
            limits=limits,
        )
        return await self._transport.ask(User, "POST", "/v1/users", body=body, key=idempotency_key)

    async def retrieve_user(self, user_id: str) -> User:
        """Retrieve a user."""
        return await self._transport.ask(User, "GET", at("/v1/users/{}", user_id))

    async def update_user(
        self,
        user_id: str,
        *,
        email: Maybe[str | None] = NOT_GIVEN,
        full_name: Maybe[str | None] = NOT_GIVEN,
        given_name: Maybe[str | None] = NOT_GIVEN,
        family_name: Maybe[str | None] = NOT_GIVEN,
        picture_url: Maybe[str | None] = NOT_GIVEN,
        email_verified: Maybe[bool | None] = NOT_GIVEN,
        oauth_provider: Maybe[str | None] = NOT_GIVEN,
        provider_user_id: Maybe[str | None] = NOT_GIVEN,
        is_admin: Maybe[bool] = NOT_GIVEN,
        limits: Maybe[JsonObject | None] = NOT_GIVEN,
        if_match: str | None = None,
    ) -> User:
        """Change the given fields (None sets null); the others keep their values.

        With `if_match`, the update applies only if the `etag` of the user still matches.

        Raises:
            ConflictError: the user is the last admin, and `is_admin` is False.
            PreconditionFailedError: its `etag` no longer matches `if_match`.
        """
        body = given_fields(
            email=email,
            full_name=full_name,
            given_name=given_name,
            family_name=family_name,
            picture_url=picture_url,
            email_verified=email_verified,
            oauth_provider=oauth_provider,
            provider_user_id=provider_user_id,
            is_admin=is_admin,
            limits=limits,
        )
        path = at("/v1/users/{}", user_id)
        return await self._transport.ask(User, "PUT", path, body=body, if_match=if_match)

    async def delete_user(self, user_id: str, *, if_match: str | None = None) -> UserDeleted:
        """Delete a user and all their objects (admin). The response names the erasure, which reports progress.

        With `if_match`, the user is deleted only if its `etag` still matches.
        """
        return await self._transport.ask(UserDeleted, "DELETE", at("/v1/users/{}", user_id), if_match=if_match)

    async def retrieve_erasure(self, erasure_id: str) -> Erasure:
        """Return the progress of a user's erasure (admin): rows deleted and left, and data that the server cannot
        erase.
        """
        return await self._transport.ask(Erasure, "GET", at("/v1/admin/erasures/{}", erasure_id))

    async def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> AnswerList[User]:
        """List the users (admin): all, or `limit` (1-100) of them starting `after` an id."""
        return await self._transport.list(User, "/v1/users", limit=limit, order=order, after=after)

    create = create_user
    retrieve = retrieve_user
    update = update_user
    delete = delete_user


class AsyncAPIKeys(MethodGroup):
    """API keys, identified by their prefixes."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_key(
        self,
        user_id: str,
        key_name: str | None = None,
        expires_in_days: int | None = None,
        *,
        expires_in: int | None = None,
        approve: bool | None = None,
        idempotency_key: str | None = None,
    ) -> KeyCreated:
        """Create a key, which expires after `expires_in` seconds, after `expires_in_days`, or never.

        With `approve=False`, it cannot approve tool calls, or change what needs approval.

        Its `plain_key` is returned only once, and on retries with the same `idempotency_key`.
        """
        body = present(key_name=key_name, expires_in_days=expires_in_days, expires_in=expires_in, approve=approve)
        path = at("/v1/users/{}/apikeys", user_id)
        return await self._transport.ask(KeyCreated, "POST", path, body=body, key=idempotency_key)

    async def create_key_for_user(
        self,
        user_id: str,
        key_name: str | None = None,
        expires_in_days: int | None = None,
        *,
        expires_in: int | None = None,
        idempotency_key: str | None = None,
    ) -> KeyCreated:
        """Create a key for another user (admin)."""
        body = present(key_name=key_name, expires_in_days=expires_in_days, expires_in=expires_in)
        path = at("/v1/admin/users/{}/keys", user_id)
        return await self._transport.ask(KeyCreated, "POST", path, body=body, key=idempotency_key)

    async def list_keys(self, user_id: str, include_inactive: bool = False) -> AnswerList[Key]:
        """List the keys of a user, without their secrets."""
        query = {"include_inactive": "true"} if include_inactive else None
        keys = await self._transport.ask(Keys, "GET", at("/v1/users/{}/apikeys", user_id), query=query)
        return AnswerList(keys.keys)

    async def get_key_details(self, user_id: str, key_prefix: str) -> Key:
        """Retrieve a key, without its secret."""
        return await self._transport.ask(Key, "GET", at("/v1/users/{}/apikeys/{}", user_id, key_prefix))

    async def revoke_key(self, user_id: str, key_prefix: str) -> KeyRevoked:
        """Revoke a key. It is rejected from the next request on.

        Raises:
            ConflictError: it is the last valid key of the last admin.
        """
        return await self._transport.ask(KeyRevoked, "DELETE", at("/v1/users/{}/apikeys/{}", user_id, key_prefix))

    async def create_code(self, *, idempotency_key: str | None = None) -> AuthCode:
        """Create a one-time code for the user of this client's key: within 10 minutes, it can be exchanged for a key.

        A code lets a browser sign in without seeing the key.
        """
        return await self._transport.ask(AuthCode, "POST", "/v1/auth/codes", key=idempotency_key)

    async def exchange(
        self, code: str | None = None, *, key_name: str | None = None, expires_in: int | None = None
    ) -> KeyCreated:
        """Exchange a one-time code, or this client's key, for a key that expires after `expires_in` seconds.

        The default is 12 hours, the maximum 30 days. The request is not retried, because a code works once.

        Raises:
            AuthenticationError: the code is unknown, used or expired.
            RateLimitError: this address sent too many wrong codes.
        """
        body = present(code=code, key_name=key_name, expires_in=expires_in)
        call = ApiCall("POST", "/v1/auth/exchange", body=body, once=True)
        return read(KeyCreated, await self._transport.send(call))

    async def validate_key(self) -> KeyValid:
        """Return the owner of this client's key.

        Raises:
            AuthenticationError: the key is not valid.
        """
        return await self._transport.ask(KeyValid, "GET", "/v1/auth/validate-key")

    create = create_key
    list = list_keys
    revoke = revoke_key
    validate = validate_key
    retrieve = get_key_details
