"""Fakes of the vendors' servers: each plays answers in its vendor's stream, and demands its state back."""

from tests.fakes.vendors.anthropic import AnthropicWire
from tests.fakes.vendors.chat import ChatWire
from tests.fakes.vendors.gemini import GeminiWire
from tests.fakes.vendors.ollama import OllamaWire
from tests.fakes.vendors.responses import ResponsesWire
from tests.fakes.vendors.scenes import VendorWire

WIRES: tuple[VendorWire, ...] = (ChatWire(), AnthropicWire(), GeminiWire(), ResponsesWire(), OllamaWire())
"""The protocols, one of each."""
VENDOR_WIRES = WIRES[1:]
"""Those with an adapter of their own."""
