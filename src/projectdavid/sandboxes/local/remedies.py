"""Why namespaces cannot be had, and what the operator can do about it."""

from typing import Final

NO_BUBBLEWRAP: Final = (
    "Bubblewrap, which isolates code, is not installed here.",
    "Install it (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap), and restart.",
)
NOT_LINUX: Final = (
    "Code is isolated by namespaces of Linux, and this system has none.",
    "Run the server on Linux, or in a virtual machine that runs it.",
)

_FORBIDDEN: Final = (
    "This system does not let the server make user namespaces:",
    "Ubuntu from 23.10: add an AppArmor profile for bwrap that has `userns,`, or run `sysctl -w"
    " kernel.apparmor_restrict_unprivileged_userns=0`. Others: `sysctl -w user.max_user_namespaces=15000`, and"
    " `kernel.unprivileged_userns_clone=1` where there is such a setting. In Docker: `--security-opt seccomp=` with a"
    " profile that allows unshare, mount and clone, and `--security-opt systempaths=unconfined`; else run the server"
    " outside of the container.",
)
_SIGNS: Final = (
    "uid map",
    "new namespace",
    "unshare",
    "No permissions",
    "user namespace",
    "Operation not permitted",
    "No space left on device",
    "Permission denied",
)
_UNKNOWN_REMEDY: Final = "Try `bwrap --unshare-all --ro-bind / / true`; the server's log says more."


def is_lasting(failure: str) -> bool:
    """True if the system forbids namespaces, so that trying again is in vain."""
    return any(sign in failure for sign in _SIGNS)


def of_failure(failure: str) -> tuple[str, str]:
    """A reason, and its remedy, of what bubblewrap or the zygote complained of."""
    lines = [line for line in failure.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "nothing was said of why."
    if is_lasting(failure):
        return f"{_FORBIDDEN[0]} {last}", _FORBIDDEN[1]
    return f"The sandbox could not be started: {last}", _UNKNOWN_REMEDY
