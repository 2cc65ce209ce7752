"""What programs of one host share: a heap, locks, a registry, channels; and workers. libtproc through ctypes.

Errors are OSError with the errno that tproc.h gives. Timeouts are in seconds; None: without end.
All functions wait without holding the interpreter's lock, and all but Barrier.wait and Once.call can be interrupted:
what a signal's handler raises (KeyboardInterrupt) ends the wait, and then nothing is locked, sent or lost by it.
"""

import ctypes
import errno
import io
import os
import sys
import time
import traceback

__all__ = [
    "Barrier", "Block", "Channel", "Condition", "Entry", "Event", "Mutex", "Once", "Request", "Semaphore",
    "HOST", "MESSAGE_MAX", "RECEIVER", "SELECT_MAX", "SENDER",
    "alloc", "attach", "entries", "is_threadproc", "lookup", "owner_of", "publish", "ready", "select", "serve", "take",
    "wait_for",
]

HOST = 0
SENDER = 1
RECEIVER = 2
MESSAGE_MAX = 48
SELECT_MAX = 127
CHANNEL_TYPE = "tproc.Channel/1"

_ALONE_SHIFT = 2
_KEPT = 1
_ENDED = 1
_MUTEX_SIZE = 8
_CONDITION_SIZE = 4
_BARRIER_SIZE = 528
_EVENT_SIZE = 4
_SEMAPHORE_SIZE = 8
_ONCE_SIZE = 12
_ALIGNMENT = 16
_ARENA_SIZE = 1152  # struct tproc_arena
_BARRIER_SERIAL = -1

# Bytes of a response that lie in its message, and take no block of the heap.
_INLINE_MAX = 24

# The longest sleep in C, so that a signal's handler (KeyboardInterrupt) runs soon.
_NAP = 0.5


class _Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]


class _Entry(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char * 96), ("type", ctypes.c_char * 48), ("address", ctypes.c_void_p),
        ("size", ctypes.c_size_t), ("version", ctypes.c_uint32), ("flags", ctypes.c_uint32),
        ("id", ctypes.c_uint64), ("pid", ctypes.c_int), ("state", ctypes.c_int), ("status", ctypes.c_int),
    ]


class _End(ctypes.Structure):
    _fields_ = [
        ("queue", ctypes.c_void_p), ("id", ctypes.c_uint64), ("owner", ctypes.c_uint32),
        ("peer", ctypes.c_uint32), ("roles", ctypes.c_uint32), ("spins", ctypes.c_uint32),
    ]


class _Message(ctypes.Structure):
    _fields_ = [
        ("block", ctypes.c_void_p), ("length", ctypes.c_uint32), ("reserved", ctypes.c_uint32),
        ("data", ctypes.c_ubyte * MESSAGE_MAX),
    ]


class _Selection(ctypes.Structure):
    _fields_ = [("channel", ctypes.POINTER(_End)), ("role", ctypes.c_uint32), ("ready", ctypes.c_int)]


class _Buffer(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class _Request(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("buffers", ctypes.POINTER(_Buffer)),
        ("buffer_count", ctypes.c_size_t), ("block", ctypes.c_void_p), ("id", ctypes.c_uint64),
        ("received", _Message), ("response", _Message), ("part", ctypes.c_void_p),
    ]


class _Worker(ctypes.Structure):
    _fields_ = [("requests", _End), ("responses", _End)]


# NULL-terminated, as argv.
_Strings = ctypes.POINTER(ctypes.c_char_p)


# All with which this interpreter was started; sys.orig_argv is Python 3.10's.
def _own_arguments():
    count, arguments = ctypes.c_int(), ctypes.POINTER(ctypes.c_wchar_p)()
    ctypes.pythonapi.Py_GetArgcArgv(ctypes.byref(count), ctypes.byref(arguments))
    return arguments[:count.value]


def _load():
    library = ctypes.CDLL(os.environ.get("TPROC_LIBRARY", "libtproc.so.0.1"), use_errno=True)
    library.tproc_alloc.restype = ctypes.c_void_p
    library.tproc_aligned_alloc.restype = ctypes.c_void_p
    library.tproc_arena_create.restype = ctypes.c_void_p
    library.tproc_arena_alloc.restype = ctypes.c_void_p
    library.tproc_arena_used.restype = ctypes.c_size_t
    library.tproc_usable_size.restype = ctypes.c_size_t
    library.tproc_event_prepare.restype = ctypes.c_uint32
    pointers = {
        "alloc": [ctypes.c_size_t], "aligned_alloc": [ctypes.c_size_t] * 2, "free": [ctypes.c_void_p],
        "give": [ctypes.c_void_p, ctypes.c_int],
        "usable_size": [ctypes.c_void_p], "owner_of": [ctypes.c_void_p],
        "arena_create": [ctypes.c_size_t], "arena_alloc": [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t],
        "arena_free": [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t], "arena_used": [ctypes.c_void_p],
        "arena_set_root": [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p],
        "arena_root": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p],
        "mutex_timedlock": [ctypes.c_void_p, ctypes.POINTER(_Timespec)], "mutex_trylock": [ctypes.c_void_p],
        "mutex_unlock": [ctypes.c_void_p], "mutex_consistent": [ctypes.c_void_p],
        "cond_wait": [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(_Timespec)],
        "cond_broadcast": [ctypes.c_void_p],
        "event_prepare": [ctypes.c_void_p], "event_signal": [ctypes.c_void_p],
        "event_wait": [ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(_Timespec)],
        "semaphore_wait": [ctypes.c_void_p, ctypes.POINTER(_Timespec)], "semaphore_trywait": [ctypes.c_void_p],
        "semaphore_post": [ctypes.c_void_p],
        "once_begin": [ctypes.c_void_p], "once_end": [ctypes.c_void_p, ctypes.c_int],
        "channel_open_id": [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint],
        "channel_select": [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p],
        "barrier_wait": [ctypes.c_void_p, ctypes.POINTER(_Timespec)], "barrier_leave": [ctypes.c_void_p],
        "respond": [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t], "respond_block": [ctypes.c_void_p] * 2,
    }
    for batch in "channel_send_batch", "channel_receive_batch":
        pointers[batch] = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
    for name, types in pointers.items():
        getattr(library, "tproc_" + name).argtypes = types
    return library


_library = _load()


def _check(code, step):
    if code != 0:
        raise OSError(code, os.strerror(code) + ": " + step)


def _deadline(timeout):
    return None if timeout is None else time.monotonic() + max(timeout, 0)


def _timespec(moment):
    return _Timespec(int(moment), int(moment % 1 * 1e9))


# Among a call's arguments: until when it may sleep.
_UNTIL = object()


def _call(outcome, function, *arguments):
    """Calls a function of C's. What it returned is outcome[0], also when a signal's handler raises right after it.

    A handler runs between two steps of Python's, so before the value of a plain call could be stored. extend and map
    are one step.
    """
    outcome.extend(map(function, *((argument,) for argument in arguments)))
    return outcome[0]


def _wait(outcome, deadline, function, *arguments):
    """As _call, until it returns something else than ETIMEDOUT, or the time is over."""
    while True:
        nap = time.monotonic() + _NAP
        last = deadline is not None and deadline <= nap
        until = ctypes.byref(_timespec(deadline if last else nap))
        code = _call(outcome, function, *(until if each is _UNTIL else each for each in arguments))
        if code != errno.ETIMEDOUT or last:
            return code
        outcome.clear()


def is_threadproc():
    """Whether this process is hosted."""
    return _library.tproc_is_threadproc() == 1


def _is_open(descriptor):
    try:
        os.fstat(descriptor)
        return True
    except OSError:
        return False


# What text streams have noted of their descriptors when they were made.
def _renew_streams():
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=os.isatty(1))
    old = sys.stdin
    if isinstance(old, io.TextIOWrapper):
        sys.stdin = open(0, encoding=old.encoding, errors=old.errors, closefd=False) if _is_open(0) else None
        sys.__stdin__ = sys.stdin


def _renew_environment(variables):
    new = dict(os.fsdecode(each).partition("=")[::2] for each in variables)
    for name in set(os.environ) - set(new):
        del os.environ[name]
    for name, value in new.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _strings(vector):
    found = []
    while vector[len(found)] is not None:
        found.append(vector[len(found)])
    return found


def ready():
    """Says that this program is ready to be started, and waits for that, if its host has had it run ahead.

    That is `prepareUntilReady` in Java, or `tproc serve --prepare-ready`: what is the same for each start, as imports,
    has been done by then. A start gives arguments (sys.argv), environment (os.environ), streams, working directory and
    all else, as docs/prepared.md says. True then; in a program that was started in the ordinary way it returns at
    once, False, and nothing is changed. Other threads must not use the environment meanwhile.
    """
    count = ctypes.c_int()
    arguments, environment = _Strings(), _Strings()
    for stream in sys.stdout, sys.stderr:
        if stream is not None:
            stream.flush()
    before = len(_own_arguments())
    if _library.tproc_ready(ctypes.byref(count), ctypes.byref(arguments), ctypes.byref(environment)) == 0:
        return False
    started = [os.fsdecode(each) for each in arguments[:count.value]]
    sys.argv += started[before:]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = started
    _renew_environment(_strings(environment))
    _renew_streams()
    return True


def attach(socket):
    """Lets this process, which is not hosted, take part in the shared heap of the host that listens at a path."""
    _check(_library.tproc_attach(os.fsencode(socket)), "attach to " + os.fspath(socket))


# ---- the heap


class Block:
    """A block of the shared heap that this process owns, until free() or give().

    memory is a memoryview of its bytes (numpy.frombuffer takes it), and is released with the block: its use afterwards
    raises ValueError, and freeing is refused (BufferError) while numpy or another has it. A slice of it is as unsafe
    as a pointer. A block that is forgotten stays allocated until this process ends.
    """

    def __init__(self, address, size):
        self._address = address
        self.size = size
        self._memory = memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B")

    @property
    def address(self):
        if self._address is None:
            raise ValueError("the block has been freed or given away")
        return self._address

    @property
    def memory(self):
        if self._address is None:
            raise ValueError("the block has been freed or given away")
        return self._memory

    def _leave(self):
        address = self.address
        self._memory.release()
        self._address = None
        return address

    def _come_back(self, address):
        self.__init__(address, self.size)

    def root(self, type=None):
        """The address of the object from which all others can be reached in this block, when it is an arena.

        EPROTO: it is none; EPROTOTYPE: the object is of another type.
        """
        found = ctypes.c_void_p()
        _check(_library.tproc_arena_root(self.address, _type(type), ctypes.byref(found)), "find the root of an arena")
        return found.value

    def free(self):
        """Frees it. Calls after the first do nothing."""
        if self._address is not None:
            _library.tproc_free(self._leave())

    def give(self, pid=HOST):
        """Makes it a process's, or the host's."""
        address = self._leave()
        code = _library.tproc_give(address, pid)
        if code != 0:
            self._come_back(address)
        _check(code, "give a block to %d" % pid)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.free()


def alloc(size, alignment=_ALIGNMENT):
    """A block; what is in it is anything. alignment: a power of two."""
    address = _library.tproc_alloc(size) if alignment == _ALIGNMENT else _library.tproc_aligned_alloc(alignment, size)
    if address is None:
        _check(ctypes.get_errno(), "allocate %d bytes of the shared heap" % size)
    return Block(address, size)


def take(address):
    """Makes a block of any owner this process's, as a Block with all that it has room for."""
    size = _library.tproc_usable_size(address)
    _check(_library.tproc_give(address, os.getpid()) if size else errno.EINVAL, "take the block at %#x" % address)
    return Block(address, size)


class Arena:
    """A graph of objects in one block, which is given, sent and freed with all of them, in one step.

    Arena.create makes one; Arena(block) is what a block holds that has come with a message, and has a root (EPROTO: it
    is no such arena). Objects are found by their addresses, which are the same in all programs. with frees the block,
    unless it has been sent or given.
    """

    def __init__(self, block):
        block.root()
        self.block = block

    @classmethod
    def create(cls, capacity):
        """An empty one, of so many bytes at most, 1152 of them its own. It takes memory as it is used."""
        address = _library.tproc_arena_create(capacity)
        if address is None:
            _check(ctypes.get_errno(), "make an arena of %d bytes" % capacity)
        made = cls.__new__(cls)
        made.block = Block(address, _library.tproc_usable_size(address))
        return made

    def alloc(self, size, alignment=_ALIGNMENT):
        """The address of room for so many bytes, which are anything. alignment: a power of two."""
        address = _library.tproc_arena_alloc(self.block.address, size, alignment)
        if address is None:
            _check(ctypes.get_errno(), "allocate %d bytes in an arena" % size)
        return address

    def free(self, address, size):
        """Makes room free for what comes later. What the arena cannot have handed out ends the program."""
        _library.tproc_arena_free(self.block.address, address, size)

    def view(self, address, size):
        """A memoryview of an object. ValueError: it does not lie in the arena."""
        at = address - self.block.address
        if size < 0 or at < _ARENA_SIZE or at + size > self.used:
            raise ValueError("no object of %d bytes at %#x in the arena" % (size, address))
        return self.block.memory[at : at + size]

    def set_root(self, address, type):
        """Says where a receiver begins, and what that is, for example "acme.List/1", in at most 47 bytes."""
        _check(_library.tproc_arena_set_root(self.block.address, address, _type(type)), "set the root of an arena")

    def root(self, type=None):
        """Where a receiver begins: as Block.root."""
        return self.block.root(type)

    @property
    def used(self):
        """Bytes of the block that are in use, from its beginning."""
        return _library.tproc_arena_used(self.block.address)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.block.free()


def owner_of(address):
    """The pid of the process that owns a block, which may have ended; 0: no allocated block begins there."""
    return _library.tproc_owner_of(address)


# ---- locks


class Mutex:
    """A lock in the shared heap (8 bytes, zeroed for a new one) that is passed on when its owner is killed.

    with mutex.acquire() as held:
        if held.owner_died:
            ...                 # put right what it guards
            held.consistent()
    """

    SIZE = _MUTEX_SIZE

    class Held:
        """A hold on the lock. One that is forgotten is released."""

        _is_known = False  #: also of one whose making was cut off

        def __init__(self, address, owner_died):
            self._address = address
            self._is_known = True
            self.owner_died = owner_died

        def consistent(self):
            """What the lock guards is right again."""
            _check(_library.tproc_mutex_consistent(self._address), "make a mutex consistent")

        def release(self):
            self._is_known = False
            _check(_library.tproc_mutex_unlock(self._address), "unlock a mutex")

        def __del__(self):
            if self._is_known and _library is not None:  # it is not, at the interpreter's end
                _library.tproc_mutex_unlock(self._address)

        def __enter__(self):
            return self

        def __exit__(self, *ignored):
            self.release()

    def __init__(self, address):
        self._address = address

    def acquire(self, timeout=None):
        """Locks. Returns the hold on it; None when the time is over. The thread that has it gives it back."""
        return self._lock(_wait, _deadline(timeout), _library.tproc_mutex_timedlock, self._address, _UNTIL)

    def try_acquire(self):
        """Locks if it is free. Returns the hold on it, or None."""
        return self._lock(_call, _library.tproc_mutex_trylock, self._address)

    def _lock(self, call, *arguments):
        outcome = []
        try:
            code = call(outcome, *arguments)
            if code in (errno.ETIMEDOUT, errno.EBUSY):
                return None
            if code != errno.EOWNERDEAD:
                _check(code, "lock a mutex")
            return Mutex.Held(self._address, code == errno.EOWNERDEAD)
        except BaseException:
            if outcome and outcome[0] in (0, errno.EOWNERDEAD):
                _library.tproc_mutex_unlock(self._address)
            raise


class Condition:
    """A condition variable in the shared heap (4 bytes, zeroed for a new one): waiting for a change of what a mutex
    guards.

    with mutex.acquire() as held:
        while not memory[0]:
            condition.wait(held)
    """

    SIZE = _CONDITION_SIZE

    def __init__(self, address):
        self._address = address

    def wait(self, held, timeout=None):
        """Unlocks the mutex, sleeps until the next notify_all, and locks it again. Returns False when the time is over.

        It may return without a reason, so look in a loop. When an owner of the mutex has died meanwhile, the hold
        says so (owner_died), as after Mutex.acquire.
        """
        deadline = _deadline(timeout)
        nap = time.monotonic() + _NAP
        last = deadline is not None and deadline <= nap
        moment = _timespec(deadline if last else nap)
        outcome = []
        try:
            code = _call(outcome, _library.tproc_cond_wait, self._address, held._address, ctypes.byref(moment))
        finally:
            if outcome and outcome[0] == errno.EOWNERDEAD:
                held.owner_died = True
        if code not in (errno.EOWNERDEAD, errno.ETIMEDOUT):
            _check(code, "wait at a condition")
        return code != errno.ETIMEDOUT or not last

    def wait_for(self, held, condition, timeout=None):
        """Waits until the condition, which is called with the mutex locked, is true. Returns its last value."""
        deadline = _deadline(timeout)
        value = condition()
        while not value and (deadline is None or time.monotonic() < deadline):
            self.wait(held, None if deadline is None else deadline - time.monotonic())
            value = condition()
        return value

    def notify_all(self):
        """Wakes all who wait. To wake one alone would not do: it might be killed before it acts."""
        _library.tproc_cond_broadcast(self._address)


class Barrier:
    """A barrier in the shared heap (528 bytes, zeroed for a new one): threads of any programs, its parties, wait until
    all have arrived, again and again. A thread becomes a party with its first wait.

    A party that is killed on its way breaks the round: all others get OSError with ECANCELED, and the next rounds go on
    without it.
    """

    SIZE = _BARRIER_SIZE

    def __init__(self, address, parties=None):
        """parties: how many, 1 to 64, for a new one; before others use it."""
        self._address = address
        if parties is not None:
            ctypes.c_uint32.from_address(address).value = parties

    def wait(self, timeout=None):
        """Arrives, and waits for the others. Returns True to one of them. TimeoutError breaks the round for all.

        A signal's handler runs only when it has ended: there is no way back from an arrival.
        """
        deadline = _deadline(timeout)
        code = _library.tproc_barrier_wait(
            self._address, None if deadline is None else ctypes.byref(_timespec(deadline)))
        if code != _BARRIER_SERIAL:
            _check(code, "wait at a barrier")
        return code == _BARRIER_SERIAL

    def leave(self):
        """The calling thread is no party any more: no round waits for it."""
        _check(_library.tproc_barrier_leave(self._address), "leave a barrier")


class Event:
    """Waiting for a condition that is somewhere else in shared memory (4 bytes, zeroed for a new one)."""

    SIZE = _EVENT_SIZE

    def __init__(self, address):
        self._address = address

    def wait(self, condition, timeout=None):
        """Waits until the condition holds: it is called first, at each signal, and when a process has died. Returns
        its last value."""
        deadline = _deadline(timeout)
        value = condition()
        while not value:
            key = _library.tproc_event_prepare(self._address)
            value = condition()
            if not value:
                code = _wait([], deadline, _library.tproc_event_wait, self._address, key, _UNTIL)
                value = condition()
                if code == errno.ETIMEDOUT:
                    break
                _check(code, "wait for an event")
        return value

    def signal(self):
        """After a change of the condition: wakes all who wait."""
        _library.tproc_event_signal(self._address)


class Semaphore:
    """Permits, in the shared heap (8 bytes). One that a process dies with is gone."""

    SIZE = _SEMAPHORE_SIZE

    def __init__(self, address, permits=None):
        """permits: how many, for a new one, which is zeroed; before others use it."""
        self._address = address
        if permits is not None:
            ctypes.c_uint32.from_address(address).value = permits

    def acquire(self, timeout=None):
        """Takes a permit. Returns False when the time is over."""
        return self._acquire(_wait, _deadline(timeout), _library.tproc_semaphore_wait, self._address, _UNTIL)

    def try_acquire(self):
        """Takes a permit if there is one. Returns whether there was."""
        return self._acquire(_call, _library.tproc_semaphore_trywait, self._address)

    def release(self):
        """Adds a permit."""
        _check(_library.tproc_semaphore_post(self._address), "release a permit")

    def _acquire(self, call, *arguments):
        outcome = []
        try:
            code = call(outcome, *arguments)
            if code not in (errno.ETIMEDOUT, errno.EAGAIN):
                _check(code, "acquire a permit")
            return code == 0
        except BaseException:
            if outcome and outcome[0] == 0:
                _library.tproc_semaphore_post(self._address)
            raise


class Once:
    """Something that is to be done once by one of all programs (12 bytes in the shared heap, zeroed for a new one)."""

    SIZE = _ONCE_SIZE

    def __init__(self, address):
        self._address = address

    def call(self, function):
        """Calls the function unless that has been done, and waits for the thread that is doing it. When it raises, or
        its process dies, the next caller does it."""
        outcome, done = [], 0
        try:
            code = _call(outcome, _library.tproc_once_begin, self._address)
            if code == errno.EALREADY:
                return
            _check(code, "do something once")
            function()
            done = 1
        finally:
            if outcome and outcome[0] == 0:
                _library.tproc_once_end(self._address, done)


# ---- the registry


class Entry:
    """A publication, as it was when it was read."""

    def __init__(self, raw):
        self.name = raw.name.decode("utf-8", "surrogateescape")
        self.type = raw.type.decode("utf-8", "surrogateescape")
        self.address = raw.address
        self.size = raw.size
        self.version = raw.version
        self.id = raw.id
        self.pid = raw.pid
        self.ended = raw.state == _ENDED
        self.status = raw.status  #: of one that has ended: exit status, or 256 + the signal

    def _raw(self):
        return _Entry(id=self.id)

    def withdraw(self):
        """Takes it back, if it is this process's, or has ended."""
        _check(_library.tproc_withdraw(ctypes.byref(self._raw())), "withdraw " + self.name)

    def watch(self, timeout=None):
        """Waits until it is withdrawn or its process has ended. Returns False when the time is over."""
        raw = self._raw()
        code = _wait([], _deadline(timeout), _library.tproc_watch, ctypes.byref(raw), _UNTIL)
        if code == errno.ETIMEDOUT:
            return False
        _check(code, "watch " + self.name)
        self.ended, self.status = True, raw.status if raw.state == _ENDED else None
        return True


def _text(text, most, least=0):
    encoded = text.encode("utf-8", "surrogateescape")
    if not least <= len(encoded) <= most or b"\0" in encoded:
        raise ValueError("a name has 1 to 95 bytes, a type up to 47, and neither a NUL: %r" % text)
    return encoded


def _type(type):
    return None if type is None else _text(type, 47)


def _names(name, type=None):
    return _text(name, 95, 1), _type(type)


def publish(name, type, what, size=None, version=0, kept=False):
    """Publishes a block, or an address and a size. Returns the Entry."""
    address = what.address if isinstance(what, Block) else what
    size = what.size if size is None else size
    raw = _Entry(*_names(name, type), address, size, version, _KEPT if kept else 0)
    _check(_library.tproc_publish(ctypes.byref(raw)), "publish " + name)
    return Entry(raw)


def lookup(name, type=None):
    """The entry of a name. FileNotFoundError: there is none."""
    raw = _Entry()
    code = _library.tproc_lookup(*_names(name, type), ctypes.byref(raw))
    if code != errno.EOWNERDEAD:
        _check(code, "look up " + name)
    return Entry(raw)


def wait_for(name, type=None, timeout=None):
    """Waits for a living publication of a name. TimeoutError when the time is over."""
    raw = _Entry()
    _check(_wait([], _deadline(timeout), _library.tproc_await, *_names(name, type), _UNTIL, ctypes.byref(raw)),
           "wait for " + name)
    return Entry(raw)


def entries():
    """All entries, in no order."""
    place, raw, found = ctypes.c_uint32(0), _Entry(), []
    while True:
        code = _library.tproc_list(ctypes.byref(place), ctypes.byref(raw))
        if code == errno.ENOENT:
            return found
        _check(code, "list the registry")
        found.append(Entry(raw))


# ---- channels


class Message:
    """data: bytes. block: the Block that came with it and is this process's now, or None."""

    def __init__(self, raw):
        self.data = bytes(raw.data[:raw.length])
        self.block = None if raw.block is None else Block(raw.block, _library.tproc_usable_size(raw.block))


class Channel:
    """An end of a bounded queue between programs. for message in channel: until no sender is left."""

    def __init__(self, end):
        self._end = end
        self._late, self._owner = [], os.getpid()  #: received when a signal's handler raised: for the next receive

    @staticmethod
    def create(cells, roles, alone=0):
        """A channel of so many messages (a power of two). alone: roles that one process and thread has."""
        end = _End()
        _check(_library.tproc_channel_create(ctypes.byref(end), cells, roles | alone << _ALONE_SHIFT),
               "make a channel of %d cells" % cells)
        return Channel(end)

    @staticmethod
    def open(name, roles, timeout=None):
        """An end of a published channel. TimeoutError when the time is over."""
        end, outcome = _End(), []
        try:
            code = _wait(outcome, _deadline(timeout), _library.tproc_channel_open,
                         ctypes.byref(end), _names(name)[0], roles, _UNTIL)
            _check(code, "open the channel " + name)
            return Channel(end)
        except BaseException:
            if outcome and outcome[0] == 0:
                _library.tproc_channel_close(ctypes.byref(end))
            raise

    @staticmethod
    def open_id(id, roles):
        """An end of a channel whose id was told."""
        end = _End()
        _check(_library.tproc_channel_open_id(ctypes.byref(end), id, roles), "open the channel %d" % id)
        return Channel(end)

    @property
    def id(self):
        """The channel's number, for open_id in any program."""
        return self._end.id

    def publish(self, name):
        """Publishes it, for open. The name stays when this end is closed: withdraw() of the Entry takes it back."""
        _check(_library.tproc_channel_publish(ctypes.byref(self._end), _names(name)[0]), "publish " + name)
        return lookup(name, CHANNEL_TYPE)

    def peers(self):
        """How many senders and receivers there are."""
        senders, receivers = ctypes.c_uint(), ctypes.c_uint()
        _check(_library.tproc_channel_peers(ctypes.byref(self._end), ctypes.byref(senders), ctypes.byref(receivers)),
               "count the ends of a channel")
        return senders.value, receivers.value

    def send(self, data=b"", block=None, timeout=None):
        """Sends up to 48 bytes, and a Block, which is the receiver's then. Returns False when the time is over.

        BrokenPipeError: there is no receiver any more.
        """
        return self._send(data, block, lambda outcome, raw: _wait(
            outcome, _deadline(timeout), _library.tproc_channel_send, ctypes.byref(self._end), raw, _UNTIL))

    def try_send(self, data=b"", block=None):
        """Sends if there is room. Returns whether there was."""
        return self._send(data, block, lambda outcome, raw: _call(
            outcome, _library.tproc_channel_trysend, ctypes.byref(self._end), raw))

    @staticmethod
    def _send(data, block, call):
        raw, outcome = _Message(), []
        _fill(raw, data)
        if block is not None:
            raw.block = block._leave()
        try:
            code = call(outcome, ctypes.byref(raw))
        finally:
            if block is not None and (not outcome or outcome[0] != 0):
                block._come_back(raw.block)
        if code not in (errno.ETIMEDOUT, errno.EAGAIN):
            _check(code, "send")
        return code == 0

    def send_batch(self, messages, timeout=None):
        """Sends as many as there is room for, and waits until that is at least one. A message is bytes, or a tuple of
        bytes and a Block. Returns how many were sent, 0 when the time is over; the others keep their blocks."""
        pairs = [each if isinstance(each, tuple) else (each, None) for each in messages]
        raws, sent = (_Message * len(pairs))(), ctypes.c_size_t()
        for raw, (data, _) in zip(raws, pairs):
            _fill(raw, data)
        try:
            for raw, (_, block) in zip(raws, pairs):
                raw.block = None if block is None else block._leave()
            code = _wait([], _deadline(timeout), _library.tproc_channel_send_batch,
                         ctypes.byref(self._end), raws, len(pairs), ctypes.byref(sent), _UNTIL)
        finally:
            for raw, (_, block) in list(zip(raws, pairs))[sent.value:]:
                if raw.block is not None:
                    block._come_back(raw.block)
        if code != errno.ETIMEDOUT:
            _check(code, "send")
        return sent.value

    def receive(self, timeout=None):
        """The next Message; None when the time is over. BrokenPipeError: nothing is there, and no sender any more."""
        return self._receive(lambda outcome, raw: _wait(
            outcome, _deadline(timeout), _library.tproc_channel_receive, ctypes.byref(self._end), raw, _UNTIL))

    def try_receive(self):
        """The next Message, or None."""
        return self._receive(lambda outcome, raw: _call(
            outcome, _library.tproc_channel_tryreceive, ctypes.byref(self._end), raw))

    def _take_late(self, to):
        """Adds what an earlier receive could not give, if any."""
        self._has_late()
        try:
            to.extend(map(self._late.pop, (0,)))  # one step, for a signal's handler and for other threads
        except IndexError:  # the rule
            pass

    def _receive(self, call):
        raw, outcome, late = _Message(), [], []
        try:
            self._take_late(late)
            if late:
                return Message(late[0])
            if call(outcome, ctypes.byref(raw)) in (errno.ETIMEDOUT, errno.EAGAIN):
                return None
            _check(outcome[0], "receive")
            return Message(raw)
        except BaseException:
            if late or outcome and outcome[0] == 0:
                self._late.insert(0, late[0] if late else raw)
            raise

    def receive_batch(self, most, timeout=None):
        """As many Messages as there are, up to most; waits until that is at least one. An empty list when the time is
        over."""
        late, raws, received = [], (_Message * most)(), ctypes.c_size_t()
        try:
            while self._has_late() and len(late) < most:
                self._take_late(late)
            if late:
                return [Message(raw) for raw in late]
            code = _wait([], _deadline(timeout), _library.tproc_channel_receive_batch,
                         ctypes.byref(self._end), raws, most, ctypes.byref(received), _UNTIL)
            if code != errno.ETIMEDOUT:
                _check(code, "receive")
            return [Message(raw) for raw in raws[:received.value]]
        except BaseException:  # also of a message that is gone, after these
            self._late[:0] = late + raws[:received.value]
            raise

    def _has_late(self):
        """A forked child has its parent's, which are none."""
        if self._owner != os.getpid():
            self._late, self._owner = [], os.getpid()
        return bool(self._late)

    def __iter__(self):
        try:
            while True:
                yield self.receive()
        except BrokenPipeError:
            return

    def close(self):
        """Closes this end. Calls after the first do nothing."""
        late = []
        while self._take_late(late) or late:
            _library.tproc_free(late.pop().block)
        if self._end.queue is not None:
            _check(_library.tproc_channel_close(ctypes.byref(self._end)), "close a channel")

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()


def _fill(raw, data):
    data = memoryview(data).tobytes()  # all bytes, whatever the items of an array are
    if len(data) > MESSAGE_MAX:
        raise ValueError("a message of %d bytes; at most %d" % (len(data), MESSAGE_MAX))
    raw.length = len(data)
    ctypes.memmove(raw.data, data, len(data))


def select(ends, timeout=None):
    """Waits until one of several ends is ready: a Channel is when there is a message, or no sender any more; a tuple
    (Channel, SENDER) when there is room, or no receiver any more. Returns the list of those that are, empty when the
    time is over. Another may be quicker: try_receive and try_send decide."""
    pairs = [each if isinstance(each, tuple) else (each, RECEIVER) for each in ends]
    late = [each for each, (channel, role) in zip(ends, pairs) if role == RECEIVER and channel._has_late()]
    if late:
        return late
    raws = (_Selection * len(pairs))(*((ctypes.pointer(channel._end), role, 0) for channel, role in pairs))
    code = _wait([], _deadline(timeout), _library.tproc_channel_select, raws, len(pairs), _UNTIL)
    if code != errno.ETIMEDOUT:
        _check(code, "select of %d channels" % len(pairs))
    return [each for each, raw in zip(ends, raws) if code == 0 and raw.ready]


# ---- workers

_EXCEPTION = -1


def _bytes_at(address, size):
    return memoryview((ctypes.c_ubyte * size).from_address(address)).cast("B") if size else memoryview(bytearray())


class Request:
    """A request, while its handler runs.

    data: its own bytes. buffers: memoryviews of Java's memory, in place; they are released when the handler has
    returned, and what numpy has made of them is as unsafe as a pointer from then on. block: the Block that came with it
    and is this process's now, or None; it is freed when the handler has returned, unless that has sent it back, or has
    set this to None. id: of this request, in its pool.
    """

    def __init__(self, raw):
        self.id = raw.id
        self.data = ctypes.string_at(raw.data, raw.size)
        self.buffers = [_bytes_at(raw.buffers[i].address, raw.buffers[i].size) for i in range(raw.buffer_count)]
        self.block = None if raw.block is None else Block(raw.block, _library.tproc_usable_size(raw.block))

    def _end(self, raw):
        for buffer in self.buffers:
            try:
                buffer.release()
            except BufferError:
                pass  # an array has it still
        try:
            if self.block is None or self.block._address is None:
                raw.block = None
            else:
                self.block._leave()
        except BufferError:
            raw.block = None  # an array has it still: it stays this process's


def _respond(raw, data):
    data = data.encode() if isinstance(data, str) else memoryview(data).tobytes()
    _check(_library.tproc_respond(ctypes.byref(raw), data, len(data)), "respond %d bytes" % len(data))


def _respond_failure(raw, failed):
    """The traceback; in a heap that is full the exception's name alone."""
    try:
        _respond(raw, traceback.format_exc().encode(errors="backslashreplace"))
    except Exception:
        _respond(raw, type(failed).__name__.encode(errors="replace")[:_INLINE_MAX])


def _respond_block(raw, block):
    address = block._leave()
    code = _library.tproc_respond_block(ctypes.byref(raw), address)
    if code != 0:
        block._come_back(address)
    _check(code, "respond a block")


def _answer(raw, answer):
    for part in answer if isinstance(answer, tuple) else (answer,):
        if isinstance(part, Block):
            _respond_block(raw, part)
        elif part is not None:
            _respond(raw, part)


def _handle(handler, raw):
    """Returns the code that the request is finished with."""
    request, code = Request(raw), 0
    try:
        _answer(raw, handler(request))
    except Exception as failed:
        code = _EXCEPTION
        _respond_failure(raw, failed)
    request._end(raw)  # not before the exception, which may hold arrays, is gone
    return code


def serve(handler):
    """Serves the requests of the pool that has started this program, until the pool closes.

    handler(request) returns the response: bytes or what memoryview takes, a str, a Block, (bytes, Block), or None. What
    it raises is an exception in Java, with the traceback as its message; but SystemExit and KeyboardInterrupt end this.

    FileNotFoundError: no pool has started this program.
    """
    _serve(lambda raw: _handle(handler, raw))


def _serve(handle):
    """As serve; handle is given C's request, and returns the code that it is finished with."""
    worker, raw = _Worker(), _Request()
    _check(_library.tproc_worker_open(ctypes.byref(worker)), "serve a pool of workers")
    try:
        while True:
            code = _wait([], None, _library.tproc_worker_receive, ctypes.byref(worker), ctypes.byref(raw), _UNTIL)
            if code == 0:
                code = _library.tproc_worker_finish(ctypes.byref(worker), ctypes.byref(raw), handle(raw))
            if code == errno.EPIPE:
                return
            _check(code, "serve a request")
    finally:
        _library.tproc_worker_close(ctypes.byref(worker))
