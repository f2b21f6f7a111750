"""Users and their API keys."""

from projectdavid.client._async.transport import AsyncTransport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given, present
from projectdavid.client.lists import Listing, Order
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.erasures import Erasure
from projectdavid.protocol.users import Key, KeyCreated, KeyRevoked, Keys, KeyValid, User, UserDeleted


class AsyncUsers:
    """Who may use the server; creating, listing and deleting is for admins."""

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
        """Make a user (admin); one with one `idempotency_key`, however often you ask for it.

        Raises:
            PermissionDeniedError: this key is not an admin's.
        """
        body = given(
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
        """The user with this id."""
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
        """Change the fields that are given (None sets null); the others stay as they are.

        With `if_match`, the `etag` of a user that you read, only if they have not changed since.

        Raises:
            ConflictError: they are the last admin, and `is_admin` is False.
            PreconditionFailedError: the user is not the one that `if_match` names any more.
        """
        body = given(
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
        """Delete a user and all that is theirs (admin). The answer names an erasure, which says when that is done.

        With `if_match`, only the revision that has this `etag`.
        """
        return await self._transport.ask(UserDeleted, "DELETE", at("/v1/users/{}", user_id), if_match=if_match)

    async def retrieve_erasure(self, erasure_id: str) -> Erasure:
        """How far the deletion of a user is (admin): rows deleted and left, and what the server cannot erase."""
        return await self._transport.ask(Erasure, "GET", at("/v1/admin/erasures/{}", erasure_id))

    async def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> Listing[User]:
        """The users (admin): all of them, or the `limit` (1-100) that come `after` the one with that id."""
        return await self._transport.list(User, "/v1/users", limit=limit, order=order, after=after)


class AsyncAPIKeys:
    """API keys; a key is named by its prefix."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_key(
        self,
        user_id: str,
        key_name: str | None = None,
        expires_in_days: int | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> KeyCreated:
        """Make a key; its `plain_key` is shown this once, and to who asks again with the same `idempotency_key`."""
        body = present(key_name=key_name, expires_in_days=expires_in_days)
        path = at("/v1/users/{}/apikeys", user_id)
        return await self._transport.ask(KeyCreated, "POST", path, body=body, key=idempotency_key)

    async def create_key_for_user(
        self,
        user_id: str,
        key_name: str | None = None,
        expires_in_days: int | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> KeyCreated:
        """Make a key for somebody else (admin)."""
        body = present(key_name=key_name, expires_in_days=expires_in_days)
        path = at("/v1/admin/users/{}/keys", user_id)
        return await self._transport.ask(KeyCreated, "POST", path, body=body, key=idempotency_key)

    async def list_keys(self, user_id: str, include_inactive: bool = False) -> Listing[Key]:
        """The keys of a user, without their secrets."""
        query = {"include_inactive": "true"} if include_inactive else None
        keys = await self._transport.ask(Keys, "GET", at("/v1/users/{}/apikeys", user_id), query=query)
        return Listing(keys.keys)

    async def get_key_details(self, user_id: str, key_prefix: str) -> Key:
        """One key, without its secret."""
        return await self._transport.ask(Key, "GET", at("/v1/users/{}/apikeys/{}", user_id, key_prefix))

    async def revoke_key(self, user_id: str, key_prefix: str) -> KeyRevoked:
        """Revoke a key: it opens nothing from the next request on.

        Raises:
            ConflictError: it is the last valid key of the last admin.
        """
        return await self._transport.ask(KeyRevoked, "DELETE", at("/v1/users/{}/apikeys/{}", user_id, key_prefix))

    async def validate_key(self) -> KeyValid:
        """Whose key this client uses.

        Raises:
            AuthenticationError: nobody's.
        """
        return await self._transport.ask(KeyValid, "GET", "/v1/auth/validate-key")
