#!/usr/bin/python3
# Prints what a process is given, as far as it is the same each time.
import os
import sys

AT_START = sorted(sys.modules)
NAMES = sorted(globals())

import fcntl
import gc
import locale
import signal
import threading
import time


def lines(path, keep=lambda line: True):
    with open(path) as file:
        return [line.rstrip("\n") for line in file if keep(line)]


def entries(path):
    with open(path, "rb") as file:
        return [entry for entry in file.read().split(b"\0") if not entry.startswith(b"CUSTOS_RUN=")]


print(__name__, __file__, __spec__, __package__, __doc__, __cached__, type(__loader__).__name__, __builtins__)
print(__loader__.name, __loader__.path, NAMES)
print(sys.argv, sys.orig_argv, sys.path, sys.executable, sys.prefix, sys.flags, sys.warnoptions)
print(AT_START)
print([getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path])
print(os.getcwd(), sorted(item for item in os.environ.items() if item[0] != "CUSTOS_RUN"))
print(sorted(item for item in os.environb.items() if item[0] != b"CUSTOS_RUN") == sorted(
    item for item in __import__("posix").environ.items() if item[0] != b"CUSTOS_RUN"))
print(entries("/proc/self/cmdline"), entries("/proc/self/environ"), lines("/proc/self/comm"))
print(lines("/proc/self/limits"))
print(lines("/proc/self/status", lambda line: line.split(":")[0] in (
    "Name", "Umask", "TracerPid", "Uid", "Gid", "Groups", "Threads", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt",
    "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Cpus_allowed")))
print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid(), lines(f"/proc/{os.getppid()}/comm"))
print(os.nice(0), os.sched_getscheduler(0), lines("/proc/self/oom_score_adj"), lines("/proc/self/cgroup"))
print(os.stat("/proc/self").st_uid, lines("/proc/self/loginuid"))
for name in sorted(os.listdir("/proc/self/fd"), key=int):
    try:
        target = os.readlink(f"/proc/self/fd/{name}").split(":")[0]
        print(name, target, fcntl.fcntl(int(name), fcntl.F_GETFD), oct(fcntl.fcntl(int(name), fcntl.F_GETFL)))
    except OSError:
        pass
for stream in sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__:
    print(stream.name, stream.mode, stream.encoding, stream.errors, stream.newlines, stream.line_buffering,
          stream.write_through, stream.seekable(), stream.isatty(), stream.fileno())
print([signal.getsignal(number) for number in sorted(signal.valid_signals())], signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(threading.active_count(), threading.current_thread() is threading.main_thread())
print(threading.main_thread().native_id == os.getpid(), threading.get_native_id() == os.getpid())
print(locale.setlocale(locale.LC_ALL), sys.getfilesystemencoding(), time.tzname, time.timezone)
print(gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(), sys.getswitchinterval())
print(sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__, sys.gettrace(), sys.getprofile())
print(repr(sys.stdin.read()))
