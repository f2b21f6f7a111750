"""Inserts the bytes of image files into prompts, as data URLs of the chat-completions protocol."""

import logging
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Any

from projectdavid.engine.prompt import PromptMessage
from projectdavid.ports import queries
from projectdavid.ports.blobs import BlobGone, Blobs
from projectdavid.ports.store import Store
from projectdavid.runtime.file_lifecycle import read_whole

log = logging.getLogger("projectdavid.files")

LARGEST = 20 << 20
"""Maximum bytes of an image that is inserted."""


@dataclass(frozen=True, slots=True)
class PromptImages:
    """Reads the images of prompts."""

    store: Store
    blobs: Blobs

    async def insert(self, owner: str, messages: tuple[PromptMessage, ...]) -> tuple[PromptMessage, ...]:
        """Return the messages of an owner's prompt, with images in place of file ids."""
        if not any(_has_images(message) for message in messages):
            return messages
        return tuple([await self._insert_into(owner, message) for message in messages])

    async def _insert_into(self, owner: str, message: PromptMessage) -> PromptMessage:
        content = message.content
        if isinstance(content, str) or not _has_images(message):
            return message
        return replace(message, content=[await self._block(owner, block) for block in content])

    async def _block(self, owner: str, block: dict[str, Any]) -> dict[str, Any]:
        if block.get("type") != "image_file":
            return block
        image_file: dict[str, Any] = block["image_file"]
        row = await self.store.of(owner).one(queries.FILE, id=image_file["file_id"])
        if row is None:
            return _text_block("An image stood here; it was deleted.")
        if row.size > LARGEST:
            return _text_block(f"An image of {row.size} bytes stands here; it is too large to be shown.")
        try:
            data = b"".join([piece async for piece in read_whole(self.blobs, row.blob, row.size)])
        except BlobGone:
            if await self.store.of(owner).one(queries.FILE, id=image_file["file_id"]) is None:
                return _text_block("An image stood here; it was deleted.")
            log.error("the content of %s is lost: its blob is missing or damaged", image_file["file_id"])
            return _text_block("An image stood here; its content is lost on this server.")
        url = f"data:{row.mime_type};base64,{b64encode(data).decode()}"
        return {"type": "image_url", "image_url": {"url": url, "detail": image_file.get("detail", "auto")}}


def _has_images(message: PromptMessage) -> bool:
    content = message.content
    return not isinstance(content, str) and any(block.get("type") == "image_file" for block in content)


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": f"[{text}]"}
