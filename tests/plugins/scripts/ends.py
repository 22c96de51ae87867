#!/usr/bin/python3
"""Ends in the way that is named."""
import atexit
import os
import signal
import sys
import threading
import time
import weakref


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("deleted", self.name)


def nested(depth):
    if depth:
        nested(depth - 1)
    raise ValueError("deep ✓ trouble")


def chained():
    try:
        nested(1)
    except ValueError as error:
        raise RuntimeError("chained") from error


def later(name, seconds=0.05):
    time.sleep(seconds)
    print("thread", name)


def hook(kind, value, trace):
    print("hook", kind.__name__, value)


def alarmed(*_):
    print("alarmed")
    sys.exit(2)


case = sys.argv[1]
atexit.register(print, "first registered")
print("begins", case)
sys.stderr.write("to stderr\n")
if case == "falls":
    held = Loud("global")
    _private = Loud("private")
    cycle = Loud("cycle")
    cycle.self = cycle
    weakref.finalize(held, print, "finalized")
elif case == "file":
    left = open(os.path.join(os.environ["STAGE"], "left"), "w")
    left.write("written but not flushed\n")
    atexit.register(lambda: os.path.getsize(left.name) or print("nothing flushed yet"))
elif case == "file-then":
    print(open(os.path.join(os.environ["STAGE"], "left")).read())
elif case == "status":
    sys.exit(eval(sys.argv[2]))
elif case == "raises":
    raise eval(sys.argv[2])
elif case == "nested":
    nested(2)
elif case == "chained":
    chained()
elif case == "hook":
    sys.excepthook = hook
    nested(0)
elif case == "bad-hook":
    sys.excepthook = lambda *_: 1 / 0
    nested(0)
elif case == "hook-exits":
    sys.excepthook = lambda *_: sys.exit(7)
    nested(0)
elif case == "atexit-raises":
    atexit.register(nested, 0)
elif case == "atexit-exits":
    atexit.register(lambda: sys.exit(9))
elif case == "at-once":
    print("not flushed")
    os._exit(int(sys.argv[2]))
elif case == "thread":
    threading.Thread(target=later, args=["joined"]).start()
    print("main ends")
elif case == "daemon":
    threading.Thread(target=later, args=["daemon", 60], daemon=True).start()
elif case == "thread-raises":
    threading.Thread(target=nested, args=[0], name="worker").start()
elif case == "alarm":
    signal.signal(signal.SIGALRM, alarmed)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    time.sleep(20)
elif case == "alarm-kills":
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    time.sleep(20)
elif case == "signal":
    sys.stdout.flush()
    os.kill(os.getpid(), int(sys.argv[2]))
    print("goes on")
elif case == "interrupt":
    raise KeyboardInterrupt
elif case == "abort":
    sys.stdout.flush()
    os.abort()
elif case == "closed":
    sys.stdout.close()
elif case == "closed-descriptor":
    os.close(1)
elif case == "exec":
    sys.stdout.flush()
    os.execv("/bin/sh", ["sh", "-c", "echo executed $$ | sed s/[0-9]*$//; exit 5"])
elif case == "fork":
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        print("child")
        sys.exit(4)
    print("parent", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
elif case == "replaced":
    import io
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", write_through=False)
    print("through another ✓")
