"""The switches of what isolates a session: all are on; tests turn one off, to see that its absence is noticed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hardening:
    """What stands between a session and the rest, each by itself."""

    uid_drop: bool = True
    """Started by root, all runs as another user, before anything of a sandbox exists."""
    clean_environment: bool = True
    """No process of a sandbox inherits an environment variable of the server."""
    closed_descriptors: bool = True
    """Nor an open file."""
    minimal_root: bool = True
    """Of the host's files only `/usr`, the interpreter and a few files of `/etc` are there."""
    read_only_root: bool = True
    """And none of it can be written."""
    own_disks: bool = True
    """Each session has `/mnt/data`, `/tmp` and `/dev/shm` of its own."""
    disk_limit: bool = True
    """Bytes on these."""
    file_limit: bool = True
    """Files and folders on these."""
    pid_namespace: bool = True
    fresh_proc: bool = True
    """`/proc` shows the session's own processes only."""
    hidden_machine: bool = True
    """Nor does it describe the machine, where programs do without."""
    terminal_limit: bool = True
    """Pseudo terminals, of which the machine has so many for all."""
    object_limit: bool = True
    """Instances and watches of inotify, of which a user has so many for all sessions."""
    network_namespace: bool = True
    ipc_namespace: bool = True
    memory_limit: bool = True
    """By a cgroup, or a watchdog, and per process."""
    process_limit: bool = True
    open_file_limit: bool = True
    no_capabilities: bool = True
    system_calls: bool = True
    """A filter refuses calls that no program needs here."""
    socket_families: bool = True
    """Of the filter: only UNIX, INET and INET6 sockets."""
    hidden_memory: bool = True
    """Of the filter: no memfd, no System V memory, no message queues, no larger buffers of sockets, which no limit of
    memory sees."""
