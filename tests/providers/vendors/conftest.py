"""The protocols that tests go through."""

import pytest

from tests.fakes.vendors import VENDOR_WIRES, WIRES
from tests.fakes.vendors.scenes import VendorWire


@pytest.fixture(params=WIRES, ids=lambda wire: wire.kind)
def wire(request: pytest.FixtureRequest) -> VendorWire:
    """A protocol, of all."""
    return request.param


@pytest.fixture(params=VENDOR_WIRES, ids=lambda wire: wire.kind)
def vendor(request: pytest.FixtureRequest) -> VendorWire:
    """A protocol with an adapter of its own."""
    return request.param
