# Made from client/_async/users.py by scripts/unasync.py: do not edit.
"""Users and their API keys."""

from projectdavid.client._sync.transport import Transport
from projectdavid.client.fields import NOT_GIVEN, Maybe, given, present
from projectdavid.client.lists import Listing, Order
from projectdavid.client.wire import at
from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.erasures import Erasure
from projectdavid.protocol.users import (
    Key,
    KeyCreated,
    KeyRevoked,
    Keys,
    KeyValid,
    User,
    UserDeleted,
)


class Users:
    """Who may use the server; creating, listing and deleting is for admins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_user(
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
        return self._transport.ask(User, "POST", "/v1/users", body=body, key=idempotency_key)

    def retrieve_user(self, user_id: str) -> User:
        """The user with this id."""
        return self._transport.ask(User, "GET", at("/v1/users/{}", user_id))

    def update_user(
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
        return self._transport.ask(User, "PUT", path, body=body, if_match=if_match)

    def delete_user(self, user_id: str, *, if_match: str | None = None) -> UserDeleted:
        """Delete a user and all that is theirs (admin). The answer names an erasure, which says when that is done.

        With `if_match`, only the revision that has this `etag`.
        """
        return self._transport.ask(UserDeleted, "DELETE", at("/v1/users/{}", user_id), if_match=if_match)

    def retrieve_erasure(self, erasure_id: str) -> Erasure:
        """How far the deletion of a user is (admin): rows deleted and left, and what the server cannot erase."""
        return self._transport.ask(Erasure, "GET", at("/v1/admin/erasures/{}", erasure_id))

    def list(self, limit: int | None = None, order: Order = "desc", after: str | None = None) -> Listing[User]:
        """The users (admin): all of them, or the `limit` (1-100) that come `after` the one with that id."""
        return self._transport.list(User, "/v1/users", limit=limit, order=order, after=after)


class APIKeys:
    """API keys; a key is named by its prefix."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_key(
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
        return self._transport.ask(KeyCreated, "POST", path, body=body, key=idempotency_key)

    def create_key_for_user(
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
        return self._transport.ask(KeyCreated, "POST", path, body=body, key=idempotency_key)

    def list_keys(self, user_id: str, include_inactive: bool = False) -> Listing[Key]:
        """The keys of a user, without their secrets."""
        query = {"include_inactive": "true"} if include_inactive else None
        keys = self._transport.ask(Keys, "GET", at("/v1/users/{}/apikeys", user_id), query=query)
        return Listing(keys.keys)

    def get_key_details(self, user_id: str, key_prefix: str) -> Key:
        """One key, without its secret."""
        return self._transport.ask(Key, "GET", at("/v1/users/{}/apikeys/{}", user_id, key_prefix))

    def revoke_key(self, user_id: str, key_prefix: str) -> KeyRevoked:
        """Revoke a key: it opens nothing from the next request on.

        Raises:
            ConflictError: it is the last valid key of the last admin.
        """
        return self._transport.ask(KeyRevoked, "DELETE", at("/v1/users/{}/apikeys/{}", user_id, key_prefix))

    def validate_key(self) -> KeyValid:
        """Whose key this client uses.

        Raises:
            AuthenticationError: nobody's.
        """
        return self._transport.ask(KeyValid, "GET", "/v1/auth/validate-key")
