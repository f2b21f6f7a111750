"""The filter of system calls, run as the kernel runs it, for each kind of processor."""

import errno
import struct

import pytest

from projectdavid.adapters.sandboxes.local.jail import libc, seccomp, system_calls
from projectdavid.adapters.sandboxes.local.jail.hardening_switches import HardeningSwitches

ALLOW = 0x7FFF0000
KILL = 0x80000000
INT80 = 0x40000003
MACHINES = [(system_calls.X86_64, 0), (system_calls.ARM64, 1)]


def deny(number: int) -> int:
    """What the filter answers for an error."""
    return 0x00050000 | number


def answer(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """Run a filter for one call."""
    values = [*arguments, *([0] * (6 - len(arguments)))]
    seen = struct.pack("=IIQ6Q", number, architecture, 0, *values)
    place = held = 0
    while True:
        code, then, otherwise, value = struct.unpack_from("=HBBI", program, place * 8)
        place += 1
        if code == 0x20:
            held = struct.unpack_from("=I", seen, value)[0]
        elif code == 0x06:
            return value
        elif code == 0x54:
            held &= value
        else:
            holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            place += then if holds else otherwise


@pytest.fixture(params=MACHINES, ids=[name for name, _ in MACHINES])
def machine(request: pytest.FixtureRequest) -> tuple[str, int]:
    return request.param


def ask(machine: tuple[str, int], name: str, *arguments: int, hardening: HardeningSwitches | None = None) -> int:
    """What is answered to a call by its name."""
    kind, column = machine
    number = (system_calls.CONDITIONAL | system_calls.REFUSED | system_calls.HIDDEN_MEMORY)[name][column]
    assert number is not None
    program = seccomp.program(hardening or HardeningSwitches(), kind)
    return answer(program, system_calls.ARCHITECTURES[kind], number, *arguments)


def test_every_call_that_is_named_is_refused(machine: tuple[str, int]):
    for name, numbers in (system_calls.REFUSED | system_calls.HIDDEN_MEMORY).items():
        if numbers[machine[1]] is not None:
            assert ask(machine, name) == deny(errno.EPERM), name


def test_no_call_is_named_twice(machine: tuple[str, int]):
    named = [
        numbers[machine[1]]
        for numbers in (system_calls.CONDITIONAL | system_calls.REFUSED | system_calls.HIDDEN_MEMORY).values()
    ]
    there = [number for number in named if number is not None]
    assert len(there) == len(set(there))


def test_what_is_not_named_passes(machine: tuple[str, int]):
    kind, _ = machine
    program = seccomp.program(HardeningSwitches(), kind)
    for number in {system_calls.X86_64: (0, 1, 2, 9, 57, 59, 231), system_calls.ARM64: (56, 63, 64, 93, 221, 222)}[
        kind
    ]:
        assert answer(program, system_calls.ARCHITECTURES[kind], number) == ALLOW


def test_calls_of_another_processor_kill(machine: tuple[str, int]):
    assert answer(seccomp.program(HardeningSwitches(), machine[0]), INT80, 1) == KILL


def test_calls_of_the_x32_kind_kill():
    program = seccomp.program(HardeningSwitches(), system_calls.X86_64)
    assert answer(program, system_calls.ARCHITECTURES[system_calls.X86_64], 0x40000000 | 1) == KILL


@pytest.mark.parametrize("number", [457, 463, 500, 1000])
def test_new_calls_are_not_there(machine: tuple[str, int], number: int):
    program = seccomp.program(HardeningSwitches(), machine[0])
    assert answer(program, system_calls.ARCHITECTURES[machine[0]], number) == deny(errno.ENOSYS)


@pytest.mark.parametrize("flag", [name for name in dir(libc) if name.startswith("CLONE_NEW")])
def test_a_process_is_made_but_no_namespace(machine: tuple[str, int], flag: str):
    assert ask(machine, "clone", 17) == ALLOW
    assert ask(machine, "clone", 17 | getattr(libc, flag)) == deny(errno.EPERM)
    assert ask(machine, "clone3") == deny(errno.ENOSYS)


@pytest.mark.parametrize(
    ("family", "kind", "protocol", "allowed"),
    [
        (1, 1, 0, True),
        (1, 5, 0, True),
        (2, 1, 0, True),
        (2, 2, 17, True),
        (2, 1 | 0o2004000, 6, True),
        (10, 1, 6, True),
        (2, 3, 1, False),
        (2, 5, 132, False),
        (10, 1, 262, False),
        (0, 1, 0, False),
        (16, 3, 0, False),
        (38, 5, 0, False),
        (40, 1, 0, False),
    ],
)
def test_sockets_are_local_or_of_tcp_or_udp(
    machine: tuple[str, int], family: int, kind: int, protocol: int, allowed: bool
):
    known = family in (1, 2, 10)
    refused = deny(errno.EPERM if known else errno.EAFNOSUPPORT)
    assert ask(machine, "socket", family, kind, protocol) == (ALLOW if allowed else refused)
    assert ask(machine, "socketpair", family, kind) == (ALLOW if family == 1 else deny(errno.EAFNOSUPPORT))
    assert ask(machine, "socket", family, kind, protocol, hardening=HardeningSwitches(socket_families=False)) == ALLOW


def test_nobody_types_into_a_terminal(machine: tuple[str, int]):
    assert ask(machine, "ioctl", 0, 0x5412) == deny(errno.EPERM)
    assert ask(machine, "ioctl", 0, 0x541C) == deny(errno.EPERM)
    assert ask(machine, "ioctl", 0, (1 << 32) | 0x5412) == deny(errno.EPERM)
    assert ask(machine, "ioctl", 0, 0x5413) == ALLOW


def test_a_personality_is_asked_for_but_not_taken(machine: tuple[str, int]):
    assert ask(machine, "personality", 0xFFFFFFFF) == ALLOW
    assert ask(machine, "personality", 0x0040000) == deny(errno.EPERM)


def test_a_processor_that_is_not_known_is_refused():
    with pytest.raises(seccomp.UnknownProcessor, match="riscv64"):
        seccomp.program(HardeningSwitches(), "riscv64")


def test_how_much_waits_in_a_socket_is_not_for_the_code_to_say(machine: tuple[str, int]):
    for option in (7, 8, 32, 33):
        assert ask(machine, "setsockopt", 3, 1, option) == deny(0)
        assert ask(machine, "setsockopt", 3, 6, option) == ALLOW
    assert ask(machine, "setsockopt", 3, 1, 2) == ALLOW
    assert ask(machine, "setsockopt", 3, 1, 7, hardening=HardeningSwitches(hidden_memory=False)) == ALLOW


@pytest.mark.parametrize(("flags", "allowed"), [(0x22, True), (0x01, True), (0x02, True), (0x21, False), (0x23, False)])
def test_shared_memory_of_no_file_is_refused_where_no_cgroup_counts_it(
    machine: tuple[str, int], flags: int, allowed: bool
):
    kind, column = machine
    number = system_calls.CONDITIONAL["mmap"][column]
    assert number is not None
    architecture, arguments = system_calls.ARCHITECTURES[kind], (0, 4096, 3, flags)
    uncounted, counted = (seccomp.program(HardeningSwitches(), kind, counted=known) for known in (False, True))
    assert answer(uncounted, architecture, number, *arguments) == (ALLOW if allowed else deny(errno.EPERM))
    assert answer(counted, architecture, number, *arguments) == ALLOW


def test_memory_that_is_shared_and_in_no_file_is_refused_where_nobody_counts_it(machine: tuple[str, int]):
    kind, column = machine
    number = system_calls.CONDITIONAL["mmap"][column]
    assert number is not None
    for counted, expected in ((False, deny(errno.EPERM)), (True, ALLOW)):
        program = seccomp.program(HardeningSwitches(), kind, counted=counted)
        for flags in (0x21, 0x23, 0x4021):
            assert answer(program, system_calls.ARCHITECTURES[kind], number, 0, 4096, 3, flags) == expected
        for flags in (0x01, 0x02, 0x22):
            assert answer(program, system_calls.ARCHITECTURES[kind], number, 0, 4096, 3, flags) == ALLOW
