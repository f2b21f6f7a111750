"""Reasons why namespaces are not available, and remedies for the operator."""

from typing import Final

NO_BUBBLEWRAP: Final = (
    "Bubblewrap, which isolates code, is not installed here.",
    "Install it (Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap), and restart.",
)
NOT_LINUX: Final = (
    "Code is isolated by Linux namespaces, which this system does not have.",
    "Run the server on Linux, or in a virtual machine with Linux.",
)

_FORBIDDEN: Final = (
    "This system does not let the server create user namespaces:",
    "Ubuntu from 23.10: add an AppArmor profile for bwrap that has `userns,`, or run `sysctl -w"
    " kernel.apparmor_restrict_unprivileged_userns=0`. Others: `sysctl -w user.max_user_namespaces=15000`, and"
    " `kernel.unprivileged_userns_clone=1` if that setting exists. In Docker: `--security-opt seccomp=` with a"
    " profile that allows unshare, mount and clone, and `--security-opt systempaths=unconfined`; or run the server"
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
_UNKNOWN_REMEDY: Final = "Try `bwrap --unshare-all --ro-bind / / true`; the server's log has details."


def is_lasting(failure: str) -> bool:
    """True if the system forbids namespaces, so a retry is pointless."""
    return any(sign in failure for sign in _SIGNS)


def of_failure(failure: str) -> tuple[str, str]:
    """Return the reason and the remedy for an error of bubblewrap or the zygote."""
    lines = [line for line in failure.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "no error was reported."
    if is_lasting(failure):
        return f"{_FORBIDDEN[0]} {last}", _FORBIDDEN[1]
    return f"The sandbox could not be started: {last}", _UNKNOWN_REMEDY
