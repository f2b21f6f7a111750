"""Switches of the isolation: all are on; tests turn one off to check that its absence is detected."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HardeningSwitches:
    """The barriers between a session and the host."""

    uid_drop: bool = True
    """If started by root, everything runs as another user, set before any sandbox exists."""
    clean_environment: bool = True
    """Sandbox processes inherit no environment variables of the server."""
    closed_descriptors: bool = True
    """They inherit no open files."""
    minimal_root: bool = True
    """Of the host's files, only `/usr`, the interpreter and a few files of `/etc` are visible."""
    read_only_root: bool = True
    """None of them can be written."""
    own_disks: bool = True
    """Each session has its own `/mnt/data`, `/tmp` and `/dev/shm`."""
    disk_limit: bool = True
    """Limit of bytes on these."""
    file_limit: bool = True
    """Limit of files and folders on these."""
    pid_namespace: bool = True
    fresh_proc: bool = True
    """`/proc` only shows the session's own processes."""
    hidden_machine: bool = True
    """`/proc` hides descriptions of the machine that programs do not need."""
    terminal_limit: bool = True
    """Limit of pseudo terminals, whose number is limited per machine."""
    object_limit: bool = True
    """Limit of inotify instances and watches, whose number is limited per user."""
    network_namespace: bool = True
    ipc_namespace: bool = True
    memory_limit: bool = True
    """Memory limit by a cgroup or a watchdog, and per process."""
    process_limit: bool = True
    open_file_limit: bool = True
    no_capabilities: bool = True
    system_calls: bool = True
    """A filter rejects system calls that programs do not need."""
    socket_families: bool = True
    """Part of the filter: only UNIX, INET and INET6 sockets."""
    hidden_memory: bool = True
    """Part of the filter: no memfd, System V memory, message queues or larger socket buffers, which no memory limit
    covers.
    """
