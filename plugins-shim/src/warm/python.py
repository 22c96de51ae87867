"""The parent of warm Python plugins: loads what plugins commonly use, then forks for each run.

What it has loaded is put aside, and a plugin that imports it gets it from there, if that is what it would have found. A plugin
is run by the function of the interpreter that runs every main program, so that no frame of this file is in a traceback.

Descriptor 1 is the socket to the worker (see `parent.rs` for what is said over it); the arguments are numbers of this system.
"""

import sys

AT_START = set(sys.modules)

import atexit
import builtins

# Registered first, so called last.
atexit.register(lambda: finish())

USES = {}
STATUS, INTERRUPTED = None, False


def _watched(name, globals=None, locals=None, fromlist=(), level=0):
    """Imports, and notes which module has imported which."""
    module = _import(name, globals, locals, fromlist, level)
    importer = (globals or {}).get("__name__")
    if importer is not None:
        base = name
        if level:
            package = (globals.get("__package__") or importer).split(".")
            base = ".".join(package[: len(package) - level + 1] + ([name] if name else []))
        used = USES.setdefault(importer, set())
        parts = base.split(".")
        used.update(".".join(parts[: end + 1]) for end in range(len(parts)))
        used.update(f"{base}.{each}" for each in fromlist or () if f"{base}.{each}" in sys.modules)
    return module


_import, builtins.__import__ = builtins.__import__, _watched

import array
import ctypes
import gc
import importlib
import os
import signal
import socket
import types
import weakref

for _name in (
    "argparse ast base64 collections configparser contextlib copy csv datetime decimal errno fcntl fnmatch functools getopt glob"
    " hashlib http.client io itertools json logging logging.handlers math operator optparse platform pprint random re select"
    " shlex shutil signal socket ssl stat string struct subprocess tempfile textwrap threading time traceback typing"
    " urllib.error urllib.parse urllib.request uuid warnings xml.etree.ElementTree nagiosplugin"
).split():
    try:
        importlib.import_module(_name)
    except ImportError:
        pass

builtins.__import__ = _import

IS = dict(word.split("=", 1) for word in sys.argv[1:])
IS = {name: int(value) for name, value in IS.items()}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
LIBC.fdopen.restype = ctypes.c_void_p
PYTHON = ctypes.pythonapi
PYTHON.PyRun_FileExFlags.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.py_object, ctypes.py_object, ctypes.c_int, ctypes.c_void_p
]
PYTHON.PyRun_FileExFlags.restype = ctypes.py_object
SOCKET = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=1)
# The first entry is the directory of the program, which each plugin has its own of.
PATH = sys.path[1:]
ASIDE = {name: module for name, module in sys.modules.items() if name not in AT_START}


def number(name, *arguments):
    """A system call by its number; all numbers are as wide as a word."""
    return LIBC.syscall(*[each if isinstance(each, bytes) else ctypes.c_long(each) for each in (IS[name], *arguments)])


def refuse(*fields):
    SOCKET.send("\0".join(fields).encode())
    os._exit(0)


class Restorer:
    """Has an import take what was put aside, with all that had been imported along with it."""

    def __init__(self, module):
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        module.__spec__ = self.spec
        for name in needed(module.__name__):
            sys.modules.setdefault(name, ASIDE[name])


def needed(name):
    found, open_names = set(), [name]
    while open_names:
        for used in USES.get(open_names.pop(), ()):
            if used in ASIDE and used not in found:
                found.add(used)
                open_names.append(used)
    return found


def restoring(find_spec):
    spec_type = type(sys.__spec__)

    def find(cls, fullname, path=None, target=None):
        module = ASIDE.get(fullname)
        if module is None or getattr(module, "__spec__", None) is None:
            return find_spec(fullname, path, target)
        if sys.path != CURRENT and path is None:
            spec = find_spec(fullname, path, target)
            if spec is None or spec.origin != module.__spec__.origin:
                return spec
        original = module.__spec__
        return spec_type(fullname, Restorer(module), origin=original.origin, is_package=original.submodule_search_locations is not None)

    return classmethod(find)


def shadowed(directory):
    """Whether a module beside the plugin has the name of one that was put aside, so that it would be found first."""
    try:
        names = os.listdir(directory)
    except OSError:
        return True
    return any(name.split(".", 1)[0] in TOP for name in names)


def cold(program, words):
    for each in signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT:
        signal.signal(each, signal.SIG_DFL)
    try:
        os.execv(program, words)
    finally:
        os._exit(127)


def become(run, descriptors):
    """Takes on all that a process is given besides its program."""
    global KEPT
    number("prctl", IS["set_dumpable"], 1, 0, 0, 0)
    os.setsid()
    for resource, soft, hard in run.limits:
        bounds = b"".join(each.to_bytes(8, sys.byteorder) for each in (soft, hard))
        if number("prlimit64", 0, resource, bounds, 0) != 0:
            raise OSError("prlimit")
    os.chdir(run.directory)
    if number("prctl", IS["set_pdeathsig"], 9, 0, 0, 0) != 0 or os.getppid() != IS["worker"]:
        raise OSError("prctl")
    if not os.access(run.program, os.X_OK):
        raise OSError("access")
    # What ps and the worker read. It must stay where it is.
    words, environment = (b"".join(each + b"\0" for each in texts) for texts in (run.words, run.environment))
    KEPT = ctypes.create_string_buffer(words + environment)
    start = ctypes.addressof(KEPT)
    middle = start + len(words)
    PLACES[5] = number("brk", 0)
    places = array.array("Q", [*PLACES, start, middle, middle, middle + len(environment), 0, 0xFFFF_FFFF << 32]).tobytes()
    if number("prctl", IS["set_mm"], IS["set_mm_map"], places, len(places), 0) != 0:
        raise OSError("PR_SET_MM_MAP")
    file = os.open(run.program, os.O_RDONLY | os.O_CLOEXEC)
    SOCKET.send(b"started\0" + run.serial)
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
    SOCKET.detach()
    os.dup2(file, 3, inheritable=False)
    number("close_range", 4, 0xFFFF_FFFF, 0)
    number("prctl", IS["set_name"], run.name + b"\0", 0, 0, 0)


def prepare(run):
    """Makes the interpreter what it is when it begins the main program: returns its names, its file and the name of that."""
    global CURRENT
    arguments = [os.fsdecode(word) for word in run.words]
    program = arguments[run.head]
    directory = os.path.dirname(os.path.realpath(program))
    os.environ.clear()
    for entry in run.environment:
        name, value = entry.split(b"=", 1)
        os.environb[name] = value
    if shadowed(directory):
        cold(program, run.words[run.head :])
    PYTHON_TIME.tzset()
    main_thread = THREADING and THREADING.main_thread()
    if hasattr(main_thread, "_set_native_id"):
        main_thread._set_native_id()
    sys.argv = arguments[run.head :]
    sys.orig_argv = arguments
    sys.path[0] = directory
    CURRENT = list(sys.path)
    main = types.ModuleType("__main__")
    main.__dict__["__annotations__"] = {}
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    main.__dict__["__file__"], main.__dict__["__cached__"] = program, None
    main.__loader__ = FILE_LOADER("__main__", program)
    return main.__dict__, LIBC.fdopen(3, b"rb"), os.fsencode(program)


def attempt(function, *arguments):
    """What it raises, without the frame of this file, and with nothing that it would seem to have come of."""
    try:
        function(*arguments)
    except BaseException as error:
        raised = error
    else:
        return None
    raised.__traceback__ = raised.__traceback__.tb_next
    return raised


def status_of(error):
    """What the interpreter does at the end of a main program that an exception has ended: the status to exit with."""
    if isinstance(error, SystemExit):
        return exit_status(error.code)
    trace = error.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    further = attempt(sys.excepthook, type(error), error, trace)
    if isinstance(further, SystemExit):
        return exit_status(further.code)
    if further is not None:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(further), further, further.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, trace)
    return 1


def exit_status(code):
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -(2**63) <= code < 2**63 else 0xFF
    flush()
    print(code, file=sys.stderr)
    return 1


def flush():
    """Whether both outputs took what they had been given."""
    try:
        for stream in sys.stdout, sys.stderr:
            if stream is not None and not stream.closed:
                stream.flush()
    except BaseException:
        return False
    return True


def finish():
    """Ends the process as the interpreter ends once it has called what was registered for that, in the same order, but for what this
    process and its forks have in common: to take that apart would copy all of it."""
    # What cannot be written is for the interpreter to complain of.
    if STATUS is None or not flush():
        return
    for name in "path", "argv", "last_type", "last_value", "last_traceback", "path_hooks", "path_importer_cache", "meta_path":
        setattr(sys, name, None)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    left = []
    for name, module in sys.modules.items():
        if name not in AT_START or name == "__main__":
            if ASIDE.get(name) is not module and isinstance(module, types.ModuleType):
                left.append(REFERENCE(module))
    module = None
    sys.modules.clear()
    gc.collect()
    for reference in reversed(left):
        module = reference()
        if module is not None:
            names = vars(module)
            for early in True, False:
                for name in list(names):
                    if name != "__builtins__" and (not early or (name[:1] == "_" and name[:2] != "__")):
                        names[name] = None
    done = flush()
    LIBC.fflush(None)
    if INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(STATUS if done else 120)


def serve():
    """Forks for each request; returns what to run, in the fork."""
    while True:
        text, ancillary, flags, _ = SOCKET.recvmsg(IS["message_max"], socket.CMSG_SPACE(12), socket.MSG_CMSG_CLOEXEC)
        if not text:
            # The worker has ended, or has no more use for this process.
            os._exit(0)
        descriptors = array.array("i", ancillary[0][2])
        PYTHON.PyOS_BeforeFork()
        pid = number("clone", *CLONE)
        if pid == 0:
            PYTHON.PyOS_AfterFork_Child()
        else:
            PYTHON.PyOS_AfterFork_Parent()
            if pid < 0:
                SOCKET.send(b"\0".join([b"cold", text.split(b"\0", 1)[0], b"fork"]))
            for each in descriptors:
                os.close(each)
            continue
        serial, name, directory, head, words, limits, *rest = text.split(b"\0")
        run = types.SimpleNamespace(serial=serial, name=name, directory=directory, head=int(head))
        words, limits = int(words), int(limits)
        run.words, rest = rest[:words], rest[words:]
        run.program = run.words[run.head]
        run.limits = [[int(each) for each in rest[at : at + 3]] for at in range(0, 3 * limits, 3)]
        run.environment = rest[3 * limits :]
        try:
            become(run, descriptors)
        except OSError as error:
            refuse("cold", serial.decode(), str(error))
        return run


if sys.implementation.name != "cpython" or sys.version_info < (3, 8):
    refuse("refused", "its interpreter is not CPython 3.8 or later")
if len(os.listdir("/proc/self/task")) != 1:
    refuse("refused", "its interpreter has threads at its start")
with open("/proc/self/stat") as _file:
    _stat = _file.read().rpartition(") ")[2].split()
# The fields of proc(5) from the third on.
PLACES = [int(_stat[field - 3]) if field else 0 for field in (26, 27, 45, 46, 47, 0, 28)]
_address = ctypes.create_string_buffer(8)
if number("prctl", IS["get_tid_address"], ctypes.addressof(_address), 0, 0, 0) != 0:
    refuse("refused", "the kernel does not say where it notes a thread's number")
CLONE = [IS["clone_flags"], 0, 0, 0, 0]
CLONE[IS["clone_ctid"]] = int.from_bytes(_address.raw, sys.byteorder)
CURRENT = list(sys.path)
TOP = {name.split(".", 1)[0] for name in ASIDE} - AT_START
FILE_LOADER = importlib.machinery.SourceFileLoader
REFERENCE = weakref.ref
THREADING = ASIDE.get("threading") or sys.modules.get("threading")
PYTHON_TIME = ASIDE.get("time") or sys.modules["time"]
_files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
for _finder in sys.meta_path:
    if isinstance(_finder, type):
        _finder.find_spec = restoring(_finder.find_spec)
# What a fork lets go of at its end is not to be taken apart there.
HELD = [list(sys.modules.values()), sys.meta_path, sys.path_hooks, sys.path_importer_cache, sys.__stdin__]
for _name in ASIDE:
    del sys.modules[_name]
for _path in [path for path in sys.path_importer_cache if path.startswith("/proc/")]:
    del sys.path_importer_cache[_path]
gc.collect()
gc.freeze()
number("prctl", IS["set_dumpable"], 0, 0, 0, 0)
SOCKET.send("\0".join(["ready", sys.executable, *PATH, *filter(None, _files)]).encode("utf-8", "surrogateescape"))
_names, _stream, _program = prepare(serve())
# 257 says that it is a whole file.
_error = attempt(PYTHON.PyRun_FileExFlags, _stream, _program, 257, _names, _names, 1, None)
_names = None
INTERRUPTED = isinstance(_error, KeyboardInterrupt)
STATUS = 0 if _error is None else status_of(_error)
_error = None
sys.exit(STATUS)
