"""Functions that Java calls: what interpreters of io.tproc.python run, on top of tproc.serve.

A request is one value, [module, function, arguments, keywords], and a response too: [True, result], or
[False, step, exception's type, its message, traceback]. A value is a byte that says what it is, and what it has;
numbers are little-endian.

  N T F           None, True, False
  i  8 bytes      an int of 64 bits               I  size, bytes   any other int: two's complement, big-endian
  d  8 bytes      a float
  s  size, bytes  a str, in UTF-8                 u  size, bytes   one with lone surrogates, in UTF-16
  b  size, bytes  bytes
  l  count, values                                m  count, pairs of key and value: None, bool, int, float, str are keys
  v  index, read-only (1 byte)                    to Python: one of the request's buffers
  v  index, offset (8 bytes), size (8 bytes)      to Java: a part of one

size, count and index have 4 bytes. ValueReader.java and ValueWriter.java are the other side.
"""

import ctypes
import numbers
import struct
import sys
import traceback

import tproc

# How deep lists and dicts may be in each other. Java's side has the same.
DEPTH_MAX = 100
_SIZE_MAX = 0xFFFFFFFF
_KEYS = (type(None), bool, int, float, str)


# ---- reading


class Reader:
    """Reads values of bytes, with memoryviews of buffers where they stand in it. ValueError: these are no values."""

    def __init__(self, data, buffers):
        self._data = data
        self._at = 0
        self._buffers = buffers
        self.given = []  #: the memoryviews that stand in the values, each with its buffer's index

    def _take(self, size):
        if size > len(self._data) - self._at:
            raise ValueError("%d bytes at %d of %d" % (size, self._at, len(self._data)))
        self._at += size
        return self._data[self._at - size:self._at]

    def _number(self, form):
        return struct.unpack("<" + form, self._take(struct.calcsize("<" + form)))[0]

    def whole(self):
        """The one value that all of the bytes are."""
        value = self._value(0)
        if self._at != len(self._data):
            raise ValueError("%d bytes too many" % (len(self._data) - self._at))
        return value

    def _value(self, depth):
        if depth > DEPTH_MAX + 2:  # the request itself is of two levels
            raise ValueError("deeper than %d" % DEPTH_MAX)
        kind = bytes(self._take(1))
        reads = self._READS.get(kind)
        if reads is None:
            raise ValueError("no value begins with %r, at %d" % (kind, self._at - 1))
        return reads(self, depth + 1)

    def _bytes(self, depth=0):
        return self._take(self._number("I"))

    def _list(self, depth):
        count = self._number("I")
        if count > len(self._data) - self._at:
            raise ValueError("a list of %d values in %d bytes" % (count, len(self._data) - self._at))
        return [self._value(depth) for _ in range(count)]

    def _dict(self, depth):
        found = {}
        for _ in range(self._number("I")):
            key = self._value(depth)
            if not isinstance(key, _KEYS):
                raise ValueError("a key that is a " + type(key).__name__)
            if key in found:
                raise ValueError("two keys of a map are the same one in Python: %r" % (key,))
            found[key] = self._value(depth)
        return found

    def _buffer(self, depth):
        index, is_read_only = self._number("I"), self._number("B")
        if index >= len(self._buffers):
            raise ValueError("buffer %d of %d" % (index, len(self._buffers)))
        view = self._buffers[index].toreadonly() if is_read_only else self._buffers[index]
        self.given.append((view, index))
        return view

    _READS = {
        b"N": lambda self, depth: None,
        b"T": lambda self, depth: True,
        b"F": lambda self, depth: False,
        b"i": lambda self, depth: self._number("q"),
        b"I": lambda self, depth: int.from_bytes(self._bytes(), "big", signed=True),
        b"d": lambda self, depth: self._number("d"),
        b"s": lambda self, depth: self._bytes().decode("utf-8"),
        b"u": lambda self, depth: self._bytes().decode("utf-16-le", "surrogatepass"),
        b"b": _bytes,
        b"l": _list,
        b"m": _dict,
        b"v": _buffer,
    }


# ---- writing


class _PyBuffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_PyBuffer)]
_release_buffer.restype = None


def _address(view):
    found = _PyBuffer()
    _get_buffer(view, ctypes.byref(found), 0)
    try:
        return found.buf or 0
    finally:
        _release_buffer(ctypes.byref(found))


class Writer:
    """Writes values. TypeError and ValueError say which part of one cannot be.

    given: memoryviews of the caller's buffers, each with its buffer's index.
    """

    def __init__(self, given=()):
        self._parts = []
        self._given = given
        self._path = []

    def result(self, value):
        """The bytes of [True, value]."""
        self._parts = [b"l", struct.pack("<I", 2), b"T"]
        return self.whole(value)

    def whole(self, value):
        """The bytes of a value."""
        self._value(value)
        return b"".join(self._parts)

    def _refuse(self, kind, why):
        path = "".join("[%s]" % repr(key)[:40] for key in self._path[:20])
        raise kind("result%s: %s" % (path, why)) from None

    def _number(self, form, number):
        self._parts.append(struct.pack("<" + form, number))

    def _sized(self, kind, data):
        if len(data) > _SIZE_MAX:
            self._refuse(ValueError, "%d bytes are more than Java takes" % len(data))
        self._parts.append(kind)
        self._number("I", len(data))
        self._parts.append(data)

    def _value(self, value):
        if value is None or value is True or value is False:
            self._parts.append(b"N" if value is None else b"T" if value else b"F")
        elif isinstance(value, int):
            self._int(int(value))
        elif isinstance(value, float):
            self._parts.append(b"d")
            self._number("d", value)
        elif isinstance(value, str):
            self._str(value)
        elif isinstance(value, (bytes, bytearray)):
            self._sized(b"b", bytes(value))
        elif isinstance(value, (list, tuple)):
            self._list(value)
        elif isinstance(value, dict):
            self._dict(value)
        else:
            self._other(value)

    def _int(self, value):
        if -1 << 63 <= value < 1 << 63:
            self._parts.append(b"i")
            self._number("q", value)
        else:
            self._sized(b"I", value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))

    def _str(self, value):
        try:
            self._sized(b"s", value.encode("utf-8"))
        except UnicodeEncodeError:
            self._sized(b"u", value.encode("utf-16-le", "surrogatepass"))

    def _list(self, values):
        self._open(b"l", values)
        for index, value in enumerate(values):
            self._path.append(index)
            self._value(value)
            self._path.pop()

    def _dict(self, values):
        self._open(b"m", values)
        for key, value in values.items():
            self._path.append(key)
            if not isinstance(key, _KEYS):
                self._refuse(TypeError, "a key that is a %s, and not None, a bool, int, float or str" % _type(key))
            self._value(key)
            self._value(value)
            self._path.pop()

    def _open(self, kind, values):
        if len(self._path) >= DEPTH_MAX:
            self._refuse(ValueError, "deeper than %d, or it contains itself" % DEPTH_MAX)
        self._parts.append(kind)
        self._number("I", len(values))

    def _other(self, value):
        """NumPy's scalars, and whatever has memory."""
        if isinstance(value, numbers.Integral):
            self._int(int(value))
        elif isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
            self._value(float(value))
        elif getattr(value, "shape", None) == () and type(value).__module__ == "numpy":
            self._scalar(value)
        else:
            self._memory(value)

    def _scalar(self, value):
        item = value.item()
        if not isinstance(item, (bool, int, float, str, bytes)):
            self._refuse(TypeError, "a value of type %s cannot go to Java" % _type(value))
        self._value(item)

    def _memory(self, value):
        try:
            view = memoryview(value)
        except TypeError:
            self._refuse(TypeError, "a value of type %s cannot go to Java" % _type(value))
        except (ValueError, BufferError) as failed:
            self._refuse(TypeError, "the memory of a %s cannot go to Java: %s" % (_type(value), failed))
        with view:
            if not self._in_place(value, view):
                self._copy(value, view)

    def _in_place(self, value, view):
        for given, index in self._given:
            if value is given:
                self._part(index, 0, given.nbytes)
                return True
        start = _address(view) if view.contiguous else 0
        for given, index in self._given:
            offset = start - _address(given)
            if given.nbytes and 0 <= offset <= given.nbytes - view.nbytes:
                self._part(index, offset, view.nbytes)
                return True
        return False

    def _part(self, index, offset, size):
        self._parts.append(b"v")
        self._number("I", index)
        self._number("Q", offset)
        self._number("Q", size)

    def _copy(self, value, view):
        if view.ndim != 1 or view.itemsize != 1:
            self._refuse(
                TypeError, "a %s that is in none of the caller's buffers, or not in one piece of one: write into one,"
                " or return its tolist() or tobytes()" % _type(value))
        self._sized(b"b", view.tobytes())


# ---- calling


def _type(value):
    kind = value if isinstance(value, type) else type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__


class _Failed(Exception):
    """A step of a call has: the exception is its cause. frames: how many of its traceback are of this file."""

    def __init__(self, step, frames):
        super().__init__(step)
        self.step = step
        self.frames = frames


def _find(module, name):
    try:
        __import__(module)
        found = sys.modules[module]
    except SystemExit:
        raise
    except BaseException as failed:
        raise _Failed("cannot import " + module, 1) from failed
    try:
        for part in name.split("."):
            found = getattr(found, part)
        if not callable(found):
            raise TypeError("a %s cannot be called" % _type(found))
        return found
    except SystemExit:
        raise
    except BaseException as failed:
        raise _Failed("cannot find %s in %s" % (name, module), 1) from failed


def _call(request):
    reader = Reader(request.data, list(request.buffers))
    try:
        module, name, arguments, keywords = reader.whole()
    except SystemExit:
        raise
    except BaseException as failed:
        raise _Failed("cannot read the arguments", 99) from failed
    finally:
        request.buffers.extend(view for view, _ in reader.given)  # what is read-only is to be released, too
    function = _find(module, name)
    try:
        result = function(*arguments, **keywords)
    except SystemExit:
        raise
    except BaseException as failed:
        raise _Failed("cannot call %s.%s" % (module, name), 1) from failed
    try:
        return Writer(reader.given).result(result)
    except SystemExit:
        raise
    except BaseException as failed:
        raise _Failed("cannot send the result of %s.%s" % (module, name), 99) from failed


def _message(failed):
    try:
        return str(failed)
    except SystemExit:
        raise
    except BaseException as another:
        return "its message cannot be had: " + _type(another)


def _report(step, frames, failed):
    trace = failed.__traceback__
    while trace is not None and frames > 0:
        trace, frames = trace.tb_next, frames - 1
    text = "".join(traceback.format_exception(type(failed), failed, trace))
    return Writer().whole([False, step, _type(failed), _message(failed), text])


def handle(request):
    """Serves a request. SystemExit ends this interpreter; all else that is raised is an exception in Java, also what
    is no Exception (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt).
    """
    try:
        return _call(request)
    except _Failed as failed:
        return _report(failed.step, failed.frames, failed.__cause__)


def main(path):
    """Serves the pool that has started this program. path: where modules are looked for first."""
    sys.path[0:0] = path
    sys.argv[1:] = []
    tproc.serve(handle)
