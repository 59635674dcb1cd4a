"""What a Linux process can give up for good, by system call: namespaces, files, system calls.

Runs inside a submission's process, beside ``keeper`` and ``driver``: standard library only, and
nothing of this package. Each function raises ``OSError`` where the kernel refuses or doesn't know
the call, and does nothing by halves that later code would rely on. Numbers are those of the
kernel's headers (linux/landlock.h, linux/seccomp.h, linux/filter.h, asm/unistd.h).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x04000000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
_ANY_NEW = 0x7E020000 | 0x80  # every CLONE_NEW… flag
_EPERM, _ENOSYS = 1, 38

# Denied to a submission, by machine: network, signals, other programs, other processes' memory,
# owners and modes of files, memory that belongs to no process, and what only an attack needs.
_NAMES = (  # noqa: SIM905 - a table to be read
    "socket connect kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal pidfd_open "
    "pidfd_getfd execve execveat ptrace process_vm_readv process_vm_writev unshare setns mount "
    "umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr "
    "bpf perf_event_open userfaultfd keyctl add_key request_key memfd_create memfd_secret "
    "io_uring_setup io_uring_enter io_uring_register shmget shmat semget msgget mq_open kexec_load "
    "open_by_handle_at fanotify_init setpriority ioprio_set sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler fchmod fchmodat fchmodat2 fchownat fchown utimensat "
    "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"
).split()
_X86 = (
    41, 42, 62, 200, 129, 297, 424, 434,
    438, 59, 322, 101, 310, 311, 272, 308, 165,
    166, 155, 161, 428, 429, 430, 431, 432, 433, 442,
    321, 298, 323, 250, 248, 249, 319, 447,
    425, 426, 427, 29, 30, 64, 68, 240, 246,
    304, 300, 141, 251, 203, 314,
    142, 144, 91, 268, 452, 260, 93, 280,
    188, 189, 190, 197, 198, 199,
)  # fmt: skip
_X86_ONLY_NAMES = ("chmod", "chown", "lchown", "utime", "utimes", "futimesat")
_X86_ONLY = (90, 92, 94, 132, 235, 261)
_ARM = (
    198, 203, 129, 130, 138, 240, 424, 434,
    438, 221, 281, 117, 270, 271, 97, 268, 40,
    39, 41, 51, 428, 429, 430, 431, 432, 433, 442,
    280, 241, 282, 219, 217, 218, 279, 447,
    425, 426, 427, 194, 196, 190, 186, 180, 104,
    265, 262, 140, 30, 122, 274,
    118, 119, 52, 53, 452, 54, 55, 88,
    5, 6, 7, 14, 15, 16,
)  # fmt: skip
assert len(_NAMES) == len(_X86) == len(_ARM)
# machine: (audit architecture, denied, clone, clone3, tgkill, prlimit64)
_MACHINES = {
    "x86_64": (0xC000003E, _X86 + _X86_ONLY, 56, 435, 234, 302),
    "aarch64": (0xC00000B7, _ARM, 220, 435, 131, 261),
}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, doing: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{doing}: {os.strerror(number)}")
    return result


def _prctl(option: int, a: int = 0, b: int = 0) -> None:
    zero = ctypes.c_ulong(0)
    libc = _libc()
    _checked(
        libc.prctl(option, ctypes.c_ulong(a), ctypes.c_ulong(b), zero, zero), f"prctl {option}"
    )


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (PR_SET_CHILD_SUBREAPER)."""
    _prctl(36, 1)


def die_with_parent() -> None:
    """Be killed when the parent ends; to be asked for after the user was changed."""
    _prctl(1, 9)


def no_new_privileges() -> None:
    """No set-uid program raises this process or its children any more."""
    _prctl(38, 1)


def unshare_as_root() -> None:
    """A network without any interface, and process ids, IPC objects and a host name of its own.

    Of the process ids the *next child* is the first. Needs CAP_SYS_ADMIN.
    """
    flags = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID
    _checked(_libc().unshare(flags), "unshare")


def unshare_as_user() -> None:
    """The same for an ordinary user, through a user namespace, where the system lets one."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID
    _checked(_libc().unshare(flags), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)


def drop_capabilities() -> None:
    """Give up what a user namespace gives its first process."""
    header = struct.pack("=Ii", 0x20080522, 0)
    _checked(_libc().capset(header, bytes(24)), "capset")


# ---------------------------------------------------------------- files (Landlock)

_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on all machines
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # version: how many rights there are; 16 from version 5


def landlock_version() -> int:
    """Version of Landlock that the kernel speaks. Raises ``OSError`` without."""
    return _checked(_libc().syscall(_RULESET, None, 0, 1), "landlock")


def close_files(readable: Iterable[str], devices: Iterable[str] = ()) -> None:
    """From now on only what lies under ``readable`` can be read, and nothing written or executed.

    ``devices``: files that may be read and written. Paths that aren't there are left out. Where
    the kernel knows how, TCP, signals and abstract sockets end at this process too.
    """
    libc = _libc()
    version = landlock_version()
    rights = (1 << _RIGHTS.get(version, 16)) - 1
    net = 3 if version >= 4 else 0
    scoped = 3 if version >= 6 else 0
    attributes = struct.pack("=QQQ", rights, net, scoped)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _checked(libc.syscall(_RULESET, attributes, size, 0), "landlock")
    try:
        rules = [(path, _READ | _LIST) for path in readable]
        rules += [(path, _READ | _WRITE) for path in devices]
        for path, access in rules:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                if not os.path.isdir(path):  # noqa: PTH112 - pathlib is slow to import
                    access &= ~_LIST
                rule = struct.pack("=Qi", access, fd)
                _checked(libc.syscall(_ADD_RULE, ruleset, 1, rule, 0), f"landlock {path}")
            finally:
                os.close(fd)
        no_new_privileges()
        _checked(libc.syscall(_RESTRICT, ruleset, 0), "landlock")
    finally:
        os.close(ruleset)


# ---------------------------------------------------------------- system calls (seccomp)


def filter_calls() -> None:
    """From now on the calls in ``_NAMES`` fail with EPERM, here and in every child."""
    machine = os.uname().machine
    if machine not in _MACHINES or sys.maxsize < 2**32:
        raise OSError(_ENOSYS, f"no list of system calls for {machine}")
    arch, denied, clone, clone3, tgkill, prlimit = _MACHINES[machine]
    load, jump_if, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, deny, absent = 0x7FFF0000, 0x00050000 | _EPERM, 0x00050000 | _ENOSYS
    low_word = 16  # of the first argument; both machines are little-endian

    program: list[tuple[int, int, int, int]] = [
        (load, 0, 0, 4),
        (jump_if, 1, 0, arch),
        (give, 0, 0, deny),
        (load, 0, 0, 0),
        (at_least, 0, 1, 0x40000000),  # the other numbering of x86-64
        (give, 0, 0, deny),
        (jump_if, 0, 1, clone3),  # its flags lie in memory, out of sight: make libc use clone
        (give, 0, 0, absent),
    ]
    for number in denied:
        program += [(jump_if, 0, 1, number), (give, 0, 0, deny)]
    program += [
        (jump_if, 0, 4, clone),
        (load, 0, 0, low_word),
        (any_bit, 0, 1, _ANY_NEW & ~0x80),
        (give, 0, 0, deny),
        (give, 0, 0, allow),
    ]
    for number, only in ((tgkill, os.getpid()), (prlimit, 0)):  # itself, but nobody else
        program += [
            (jump_if, 0, 4, number),
            (load, 0, 0, low_word),
            (jump_if, 1, 0, only),
            (give, 0, 0, deny),
            (give, 0, 0, allow),
        ]
    program.append((give, 0, 0, allow))

    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(header, len(header))
    no_new_privileges()
    _prctl(22, 2, ctypes.addressof(holder))
