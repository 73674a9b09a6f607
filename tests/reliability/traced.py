"""Run a function in a copy of this process and kill that before its n-th change to the disk, by ptrace (Linux)."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from collections.abc import Callable
from pathlib import Path

_TRACE_ME, _GET_REGISTERS, _SYSCALL, _SET_OPTIONS = 0, 12, 24, 0x4200
_OPTIONS = 0x1 | 0x100000  # tell system calls from signals; end with this process
#: System calls of x86-64 that change files: those on an open file, and those on a name.
_ON_FILE = {1: "write", 18: "pwrite", 20: "writev", 74: "fsync", 75: "fdatasync", 77: "ftruncate", 91: "fchmod"}
_ON_NAME = {
    **{76: "truncate", 82: "rename", 83: "mkdir", 84: "rmdir", 85: "create", 86: "link", 87: "unlink", 88: "symlink"},
    **{90: "chmod", 258: "mkdir", 263: "unlink", 264: "rename", 265: "link", 266: "symlink", 268: "chmod"},
    **{316: "rename"},
}
_OPEN = {2: "rsi", 257: "rdx"}  # and where their flags are
_REGISTERS = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs gs ds es f g"


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in _REGISTERS.split()]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def can_trace() -> bool:
    """Whether this machine lets a process trace its own child."""
    return platform.system() == "Linux" and platform.machine() == "x86_64" and traced(lambda: None, Path("/")) == []


def traced(function: Callable[[], object], folder: Path, *, kill_at: int | None = None) -> list[str] | None:
    """The changes to files in ``folder`` that ``function`` makes, by name; None if it could not be traced.

    With ``kill_at`` the process gets SIGKILL before that change, counted from 0.
    """
    pid = os.fork()
    if pid == 0:
        _libc.ptrace(_TRACE_ME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            function()
        finally:
            os._exit(0)
    steps: list[str] = []
    registers, inside, give = _Registers(), False, 0
    os.waitpid(pid, 0)
    if _libc.ptrace(_SET_OPTIONS, pid, None, ctypes.c_void_p(_OPTIONS)) != 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return None
    while True:
        _libc.ptrace(_SYSCALL, pid, None, ctypes.c_void_p(give))
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return steps
        give = 0 if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80 else os.WSTOPSIG(status)
        if give:
            continue
        inside = not inside
        if not inside:
            continue
        _libc.ptrace(_GET_REGISTERS, pid, None, ctypes.byref(registers))
        if step := _step(pid, registers, folder):
            if len(steps) == kill_at:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return steps
            steps.append(step)


def _step(pid: int, registers: _Registers, folder: Path) -> str | None:
    """The name of a system call that changes files; None for others."""
    number = registers.orig_rax
    if number in _OPEN:
        return "open" if getattr(registers, _OPEN[number]) & os.O_CREAT else None
    if number in _ON_FILE:
        try:
            where = os.readlink(f"/proc/{pid}/fd/{registers.rdi}")
        except OSError:
            return None
        return _ON_FILE[number] if where.startswith(str(folder)) else None
    return _ON_NAME.get(number)
