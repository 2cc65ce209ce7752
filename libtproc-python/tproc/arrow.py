"""Batches of Apache Arrow columns from Java, in place, and results that go back: tproc_arrow.h for Python.

    import numpy, tproc.arrow

    def totals(batch):
        total = batch.empty("f8")                                  # where Java will read it
        numpy.multiply(batch["price"].values, batch["count"].values, out=total)
        return {"total": total, "price": batch["price"]}

    tproc.arrow.serve(totals)

Values are NumPy arrays where NumPy is, else memoryviews. With pyarrow, batch.to_pyarrow() is a RecordBatch in place,
and what it exports can be answered with. docs/arrow.md says whose memory is whose, and until when.
"""

import ctypes
import itertools
import os
import struct
import threading

import tproc

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["Batch", "Column", "serve"]

_VARIABLE = "TPROC_ARROW"
_VERSION = "1"
_KEPT = 1
_BATCH = 2
_NULLABLE = 2
_DEPTH_MAX = 32
_ALIGNMENT = 64


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_void_p), ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64), ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)), ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64), ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))), ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
]

_RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
_RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))


# ---- types

_VALIDITY, _FIXED, _OFFSETS, _BYTES = range(4)

_WIDTHS = {
    "b": 1, "c": 8, "C": 8, "s": 16, "S": 16, "e": 16, "i": 32, "I": 32, "f": 32, "l": 64, "L": 64, "g": 64,
    "tdD": 32, "tts": 32, "ttm": 32, "tiM": 32, "tdm": 64, "ttu": 64, "ttn": 64, "tiD": 64, "tin": 128,
    "tDs": 64, "tDm": 64, "tDu": 64, "tDn": 64,
}
_VARIABLE_WIDTHS = {"z": 32, "u": 32, "Z": 64, "U": 64}
_LISTS = {"+l": 32, "+m": 32, "+L": 64}

# What struct and memoryview call them.
_CODES = {"c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "l": "q", "L": "Q", "f": "f", "g": "d"}
_FORMATS = {("i", 1): "c", ("u", 1): "C", ("i", 2): "s", ("u", 2): "S", ("i", 4): "i", ("u", 4): "I",
            ("i", 8): "l", ("u", 8): "L", ("f", 2): "e", ("f", 4): "f", ("f", 8): "g"}


class _Layout:
    """How a type lies in memory: its buffers, bits of a value or an offset, values of a list, children (None: any)."""

    def __init__(self, buffers, bits=0, values=0, children=0):
        self.buffers, self.bits, self.values, self.children = buffers, bits, values, children


def _layout(format):
    if format in _WIDTHS:
        return _Layout((_VALIDITY, _FIXED), _WIDTHS[format])
    if format in _VARIABLE_WIDTHS:
        return _Layout((_VALIDITY, _OFFSETS, _BYTES), _VARIABLE_WIDTHS[format])
    if format in _LISTS:
        return _Layout((_VALIDITY, _OFFSETS), _LISTS[format], children=1)
    if format == "+s":
        return _Layout((_VALIDITY,), children=None)
    if format == "n":
        return _Layout(())
    kind, _, rest = format.partition(":")
    if kind in ("tss", "tsm", "tsu", "tsn"):
        return _Layout((_VALIDITY, _FIXED), 64)
    numbers = rest.split(",")
    if kind == "w" and rest.isdecimal() and int(rest) > 0:
        return _Layout((_VALIDITY, _FIXED), 8 * int(rest))
    if kind == "+w" and rest.isdecimal() and int(rest) > 0:
        return _Layout((_VALIDITY,), values=int(rest), children=1)
    if kind == "d" and (len(numbers) == 2 or len(numbers) == 3 and numbers[2] in ("128", "256")):
        return _Layout((_VALIDITY, _FIXED), int(numbers[2]) if len(numbers) == 3 else 128)
    raise ValueError("a type that cannot go between Java and programs: '%s'" % format)


def _offset(layout, address, index):
    if layout.bits == 32:
        return ctypes.c_int32.from_address(address + 4 * index).value
    return ctypes.c_int64.from_address(address + 8 * index).value


def _size(layout, kind, offsets, end):
    """Bytes of a buffer, up to value `end`."""
    if kind == _VALIDITY:
        return (end + 7) // 8
    if kind == _FIXED:
        return (end * layout.bits + 7) // 8
    if kind == _OFFSETS:
        return (end + 1) * layout.bits // 8
    return _offset(layout, offsets, end) if offsets else 0


def _metadata(address):
    """The bytes of a schema's metadata."""
    if not address:
        return b""
    size, count = 4, ctypes.c_int32.from_address(address).value
    for _ in range(2 * count):
        size += 4 + ctypes.c_int32.from_address(address + size).value
    return ctypes.string_at(address, size)


# ---- what is lent by Java


def _tell(lease):
    """Tells the owner of a late release. Who is not there any more knows it by this program's end."""
    version, _, channel = os.environ.get(_VARIABLE, "").partition(",")
    end = tproc._End()
    if version != _VERSION or tproc._library.tproc_channel_open_id(
            ctypes.byref(end), ctypes.c_uint64(int(channel, 16)), ctypes.c_uint(tproc.SENDER)) != 0:
        return
    message = tproc._Message(length=8)
    ctypes.memmove(message.data, struct.pack("=Q", lease), 8)
    tproc._library.tproc_channel_send(ctypes.byref(end), ctypes.byref(message), None)
    tproc._library.tproc_channel_close(ctypes.byref(end))


class _Lease:
    """Shared by the nodes of a lent array, until each is released and the request is answered."""

    _lock = threading.RLock()  # a release may come out of a garbage collection, anywhere
    _numbers = itertools.count(1)
    _of = {}

    def __init__(self, id):
        self.id, self.nodes, self.answered, self.keeps = id, 1, False, []
        self.number = next(_Lease._numbers)
        _Lease._of[self.number] = self

    def drop(self):
        with _Lease._lock:
            self.nodes -= 1
            if self.nodes > 0:
                return
            _Lease._of.pop(self.number, None)
            late = self.answered
        if late:
            _tell(self.id)

    def answer(self):
        """Returns whether it is kept."""
        with _Lease._lock:
            self.answered = self.nodes > 0
            return self.answered


@_RELEASE_ARRAY
def _release_array(pointer):
    array = pointer.contents
    for i in range(array.n_children):
        if array.children[i].contents.release:
            _release_array(array.children[i])
    if array.dictionary and array.dictionary.contents.release:
        _release_array(array.dictionary)
    array.release = None
    lease = _Lease._of.get(array.private_data)
    if lease is not None:
        lease.drop()


@_RELEASE_SCHEMA
def _release_schema(pointer):
    pointer.contents.release = None


_RELEASE_ARRAY_ADDRESS = ctypes.cast(_release_array, ctypes.c_void_p).value
_RELEASE_SCHEMA_ADDRESS = ctypes.cast(_release_schema, ctypes.c_void_p).value


def _lend(array, lease):
    """A copy of the node, and of those below, whose release is this program's."""
    copy = _Array.from_buffer_copy(array)
    below = [_lend(array.children[i].contents, lease) for i in range(array.n_children)]
    copy.children = (ctypes.POINTER(_Array) * len(below))(*map(ctypes.pointer, below))
    lease.keeps += [copy, copy.children, below]
    if array.dictionary:
        values = _lend(array.dictionary.contents, lease)
        copy.dictionary = ctypes.pointer(values)
        lease.keeps.append(values)
    copy.release = _RELEASE_ARRAY_ADDRESS
    copy.private_data = lease.number
    lease.nodes += 1
    return copy


def _cast(view, code):
    if numpy is not None:
        return numpy.frombuffer(view, code) if len(view) else numpy.empty(0, code)
    return view.cast(code) if len(view) else memoryview(bytearray()).cast(code)


class Column:
    """A look at a column, as long as its batch is there."""

    def __init__(self, batch, schema, array):
        self._batch, self._schema, self._array = batch, schema, array
        self.name = (schema.name or b"").decode(errors="surrogateescape")
        self.format = schema.format.decode()
        try:
            self._layout = _layout(self.format)
        except ValueError as unknown:
            raise ValueError("column '%s': %s" % (self.name, unknown)) from None

    def __len__(self):
        return self._array.length

    def __repr__(self):
        return "<tproc.arrow.Column %r of %d '%s'>" % (self.name, len(self), self.format)

    def _refuse(self, what):
        raise ValueError("column '%s': %s" % (self.name, what))

    def _buffer(self, index, kind, code):
        """A buffer from the first value on, as a memoryview or array that cannot be written."""
        self._batch._check()
        array, end = self._array, self._array.offset + self._array.length
        size = _size(self._layout, kind, array.buffers[1], end) if len(self) else 0
        view = self._batch._view(array.buffers[index], size)
        if kind in (_FIXED, _OFFSETS) and array.offset > 0:
            view = self._batch._track(view[array.offset * self._layout.bits // 8:])
        return self._batch._track(_cast(view, code))

    @property
    def values(self):
        """The values of a type of fixed width, also those of nulls. Of booleans a copy, of all others in place.

        Dates and the like are their numbers. Values that neither NumPy nor memoryview has a number for are bytes: of
        the width of a value with NumPy ("V16"), one after the other without it.
        """
        if self._layout.buffers != (_VALIDITY, _FIXED):
            self._refuse("format '%s' is not of fixed width" % self.format)
        if self.format == "b":
            return self._bits(1)
        width = self._layout.bits // 8
        if numpy is None:
            return self._buffer(1, _FIXED, self._code())
        plain = {"e": "f2", "f": "f4", "g": "f8"}.get(self.format)
        signs = "u" if self.format in ("C", "S", "I", "L") else "i"
        return self._buffer(1, _FIXED, plain or (signs + str(width) if width in (1, 2, 4, 8) else "V%d" % width))

    def _code(self):
        """What memoryview calls the values; "B" when it has no number of that width."""
        width = self._layout.bits // 8
        return _CODES.get(self.format) or ({4: "i", 8: "q"}.get(width, "B") if self.format[0] == "t" else "B")

    def _fixed(self):
        """The values as a list."""
        values, width = self.values, self._layout.bits // 8
        if self.format == "b":
            return list(values)
        if numpy is not None or self._code() != "B" or width == 1:
            return values.tolist()
        parts = [values[i:i + width].tobytes() for i in range(0, len(values), width)]
        return [struct.unpack("=e", part)[0] for part in parts] if self.format == "e" else parts

    @property
    def validity(self):
        """Which values are there, as booleans: a copy."""
        if self.format == "n":
            return [False] * len(self) if numpy is None else numpy.zeros(len(self), bool)
        if not self._array.buffers[0]:
            return [True] * len(self) if numpy is None else numpy.ones(len(self), bool)
        return self._bits(0)

    def _bits(self, index):
        self._batch._check()
        first, count = self._array.offset, len(self)
        view = self._batch._view(self._array.buffers[index], (first + count + 7) // 8)
        if numpy is not None:
            bits = numpy.unpackbits(numpy.frombuffer(view, "u1"), bitorder="little")
            return bits[first:first + count].astype(bool)
        return [bool(view[i // 8] >> i % 8 & 1) for i in range(first, first + count)]

    @property
    def offsets(self):
        """Where each string or list begins, and the last ends, in `bytes` or `children[0]`."""
        if _OFFSETS not in self._layout.buffers:
            self._refuse("format '%s' has no offsets" % self.format)
        wide = self._layout.bits == 64
        return self._buffer(1, _OFFSETS, ("i8" if wide else "i4") if numpy is not None else ("q" if wide else "i"))

    @property
    def bytes(self):
        """All the bytes of strings, one after the other."""
        if _BYTES not in self._layout.buffers:
            self._refuse("format '%s' is not of strings" % self.format)
        return self._buffer(2, _BYTES, "u1" if numpy is not None else "B")

    @property
    def children(self):
        self._batch._check()
        return [Column(self._batch, self._schema.children[i].contents, self._array.children[i].contents)
                for i in range(self._array.n_children)]

    @property
    def dictionary(self):
        """The values that this column's indices stand for; None when it has no dictionary."""
        self._batch._check()
        if not self._array.dictionary:
            return None
        return Column(self._batch, self._schema.dictionary.contents, self._array.dictionary.contents)

    def to_list(self):
        """All values as Python has them, None for nulls: a copy. Dates and the like are their numbers."""
        there = self.validity
        every = self._all()
        return [each if valid else None for each, valid in zip(every, there)]

    def _all(self):
        first, count = self._array.offset, len(self)
        if self.dictionary is not None:
            values = self.dictionary.to_list()
            return [values[i] if 0 <= i < len(values) else None for i in self._fixed()]
        if _BYTES in self._layout.buffers:
            at, all_bytes = self.offsets, self.bytes.tobytes()
            parts = [all_bytes[at[i]:at[i + 1]] for i in range(count)]
            return [part.decode() for part in parts] if self.format in "uU" else parts
        if self.format == "+s":
            below = [child.to_list()[first:] for child in self.children]
            names = [child.name for child in self.children]
            return [dict(zip(names, row)) for row in zip(*below)] if below else [{}] * count
        if self.format == "n":
            return [None] * count
        if self._layout.children:
            below = self.children[0].to_list()
            n = self._layout.values
            at = [(first + i) * n for i in range(count + 1)] if n else list(self.offsets)
            return [below[at[i]:at[i + 1]] for i in range(count)]
        return self._fixed()


class Batch:
    """The columns of a request: Java's, in place. Do not write to them.

    When the handler has returned they are released, unless it has called keep(): then with release(), or when this
    object is forgotten. What to_pyarrow() has made keeps them for itself.
    """

    def __init__(self, raw):
        schema, array, id = struct.unpack_from("=QQQ", ctypes.string_at(raw.data, raw.size))
        self._given = _Schema.from_address(schema)
        self._lease = _Lease(id)
        self._array = _lend(_Array.from_address(array), self._lease)
        self._views, self._block, self._used, self._lent = [], None, 0, None
        self._is_there, self._is_kept = True, False

    def _check(self):
        if not self._is_there:
            raise ValueError("the batch has been released")

    def _view(self, address, size):
        return self._track(tproc._bytes_at(address, size if address else 0).toreadonly())

    def _track(self, view):
        if isinstance(view, memoryview):
            self._views.append(view)
        return view

    def __len__(self):
        return self._array.length

    @property
    def columns(self):
        self._check()
        return [Column(self, self._given.children[i].contents, self._array.children[i].contents)
                for i in range(self._array.n_children)]

    def __getitem__(self, name):
        for i in range(self._array.n_children):
            if (self._given.children[i].contents.name or b"") == name.encode(errors="surrogateescape"):
                self._check()
                return Column(self, self._given.children[i].contents, self._array.children[i].contents)
        raise KeyError(name)

    def keep(self):
        """Keeps the columns when the handler returns. Returns this."""
        self._is_kept = True
        return self

    def release(self):
        """Tells Java that the columns are not needed any more. Arrays over them must not be used from here on."""
        if self._is_there:
            self._is_there = False
            for view in reversed(self._views):
                try:
                    view.release()
                except BufferError:
                    pass  # an array has it still
            self._views.clear()
            if self._array.release:
                _release_array(ctypes.pointer(self._array))
            self._lease.drop()

    def __del__(self):
        if getattr(self, "_is_there", False):
            self.release()

    def to_pyarrow(self):
        """The columns as a pyarrow.RecordBatch, in place. It and all that is made of it keep them in Java."""
        import pyarrow

        self._check()
        array = _lend(self._array, self._lease)
        schema = _Schema.from_buffer_copy(self._given)
        schema.release = _RELEASE_SCHEMA_ADDRESS
        return pyarrow.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))

    # What goes back.

    def _ranges(self):
        """The memory that was lent, as (start, end)."""
        if self._lent is None:
            self._lent = []
            _add_ranges(self._given, self._array, self._lent)
        return self._lent

    def reserve(self, size):
        """Sets how much memory empty() has for the result, in bytes; else twice as much as the columns have."""
        if self._block is not None:
            raise ValueError("memory of the result has been used already")
        self._block = tproc.alloc(size + _ALIGNMENT)
        self._used = -self._block.address % _ALIGNMENT

    def empty(self, dtype, rows=None):
        """Memory for a column of numbers of the result, where Java will read it: a NumPy array, or a memoryview.

        dtype: NumPy's; without NumPy a code of memoryview's, such as "d". rows: as many as the batch has, unless given.
        MemoryError: more than was reserved.
        """
        self._check()
        rows = len(self) if rows is None else rows
        size = rows * (numpy.dtype(dtype).itemsize if numpy is not None else struct.calcsize(dtype))
        if self._block is None:
            self.reserve(max(size, 2 * sum(end - start for start, end in self._ranges()) + 65536))
        at = self._used + -(self._block.address + self._used) % _ALIGNMENT
        if size > self._block.size - at:
            raise MemoryError("%d bytes more than reserve() has been called with" % (size + at - self._block.size))
        self._used = at + size
        return _cast(tproc._bytes_at(self._block.address + at, size), dtype)


def _add_ranges(schema, array, ranges):
    layout, end = _layout(schema.format.decode()), array.offset + array.length
    for i, kind in enumerate(layout.buffers if array.length else ()):
        if array.buffers[i]:
            ranges.append((array.buffers[i], array.buffers[i] + _size(layout, kind, array.buffers[1], end)))
    for i in range(array.n_children):
        _add_ranges(schema.children[i].contents, array.children[i].contents, ranges)
    if array.dictionary:
        _add_ranges(schema.dictionary.contents, array.dictionary.contents, ranges)


# ---- results


class _Node:
    """What Java is told of a column: buffers are (address, size), or bytes of our own."""

    def __init__(self, format, length, nulls, buffers, name="", flags=_NULLABLE, metadata=b"", keeps=()):
        self.format, self.length, self.nulls, self.buffers = format, length, nulls, buffers
        self.name, self.flags, self.metadata, self.keeps = name, flags, metadata, keeps
        self.children, self.dictionary = [], None


def _bits_from(address, first, count):
    """Bits that begin anywhere: in place when that is with a byte."""
    size = (count + 7) // 8
    if first % 8 == 0:
        return address + first // 8, size
    text = ctypes.string_at(address + first // 8, (first % 8 + count + 7) // 8)
    bits = int.from_bytes(text, "little") >> first % 8 & (1 << count) - 1
    return bits.to_bytes(size, "little")


def _node_buffers(layout, array, first, count):
    for i, kind in enumerate(layout.buffers):
        address = array.buffers[i]
        if not address or count == 0:
            yield b""
        elif kind == _VALIDITY or kind == _FIXED and layout.bits == 1:
            yield _bits_from(address, first, count)
        else:
            start = first * layout.bits // 8 if kind != _BYTES else 0
            yield address + start, _size(layout, kind, array.buffers[1], first + count) - start


def _node_of_c(schema, array, first=0, count=None, depth=0):
    """Of structures of the C Data Interface. Offsets of a struct are its children's, too."""
    if depth > _DEPTH_MAX:
        raise ValueError("columns that are too deep in each other")
    whole = count is None
    count = array.length if whole else count
    layout, at = _layout(schema.format.decode()), array.offset + first
    nulls = array.null_count if whole and first == 0 else -1
    node = _Node(schema.format.decode(), count, nulls, list(_node_buffers(layout, array, at, count)),
                 (schema.name or b"").decode(errors="surrogateescape"), schema.flags, _metadata(schema.metadata))
    follows = layout.children is None or layout.values > 0
    times = layout.values or 1
    for i in range(array.n_children):
        child = array.children[i].contents
        node.children.append(_node_of_c(schema.children[i].contents, child, at * times if follows else 0,
                                        count * times if follows else None, depth + 1))
    if array.dictionary:
        node.dictionary = _node_of_c(schema.dictionary.contents, array.dictionary.contents, depth=depth + 1)
    return node


def _exported(what):
    """The node of what pyarrow exports."""
    schema, array = _Schema(), _Array()
    what._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
    node = _node_of_c(schema, array)
    node.keeps = what  # whose memory it is
    _RELEASE_ARRAY(array.release)(ctypes.pointer(array))
    _RELEASE_SCHEMA(schema.release)(ctypes.pointer(schema))
    return node


def _packed(bits):
    whole = sum(1 << i for i, bit in enumerate(bits) if bit)
    return whole.to_bytes((len(bits) + 7) // 8, "little")


def _node_of_array(array):
    mask, valid, nulls = numpy.ma.getmask(array), b"", 0
    if mask is not numpy.ma.nomask:
        valid, nulls = numpy.packbits(~mask, bitorder="little").tobytes(), int(mask.sum())
    array = numpy.ascontiguousarray(numpy.ma.getdata(array))
    if array.ndim != 1:
        raise ValueError("an array of %d dimensions" % array.ndim)
    if array.dtype.kind == "b":
        return _Node("b", len(array), nulls, [valid, numpy.packbits(array, bitorder="little").tobytes()])
    format = _FORMATS.get((array.dtype.kind, array.dtype.itemsize)) if array.dtype.isnative else None
    if format is None:
        raise ValueError("an array of type %s" % array.dtype)
    return _Node(format, len(array), nulls, [valid, (array.ctypes.data, array.nbytes)], keeps=array)


def _node_of_view(view):
    view = memoryview(view)
    format = {code: format for format, code in _CODES.items()}.get(view.format)
    if format is None or view.ndim != 1 or not view.c_contiguous:
        raise ValueError("a memoryview of format %r" % view.format)
    if len(view) == 0:
        return _Node(format, 0, 0, [b"", b""])
    if view.readonly:
        return _Node(format, len(view), 0, [b"", view.tobytes()])
    address = ctypes.addressof(ctypes.c_char.from_buffer(view))
    return _Node(format, len(view), 0, [b"", (address, view.nbytes)], keeps=view)


def _node_of_list(values):
    there = [value is not None for value in values]
    valid, nulls = _packed(there), there.count(False)
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return _Node("b", len(values), nulls, [valid, _packed([bool(value) for value in values])])
    if kinds <= {int}:
        return _Node("l", len(values), nulls, [valid, struct.pack("=%dq" % len(values), *(v or 0 for v in values))])
    if kinds <= {int, float}:
        return _Node("g", len(values), nulls, [valid, struct.pack("=%dd" % len(values), *(v or 0 for v in values))])
    if kinds not in ({str}, {bytes}):
        raise ValueError("a list of %s" % ", ".join(sorted(kind.__name__ for kind in kinds)))
    parts = [b"" if value is None else value.encode() if kinds == {str} else value for value in values]
    offsets = list(itertools.accumulate(map(len, parts), initial=0))
    wide = offsets[-1] > 0x7fffffff
    format = ("U" if wide else "u") if kinds == {str} else ("Z" if wide else "z")
    return _Node(format, len(values), nulls,
                 [valid, struct.pack("=%d%s" % (len(offsets), "q" if wide else "i"), *offsets), b"".join(parts)])


def _node_of(name, value):
    try:
        if isinstance(value, Column):
            value._batch._check()
            node = _node_of_c(value._schema, value._array)
            node.keeps = value._batch
        elif hasattr(value, "_export_to_c"):
            node = _exported(value)
        elif numpy is not None and isinstance(value, numpy.ndarray):
            strings = value.dtype.kind in "OUS"
            node = _node_of_list(value.tolist()) if strings else _node_of_array(value)
        elif isinstance(value, (list, tuple)):
            node = _node_of_list(value)
        else:
            node = _node_of_view(value)
    except (TypeError, ValueError) as refused:
        raise ValueError("column '%s': %s" % (name, refused)) from refused
    node.name = name
    return node


def _root_of(answer):
    if isinstance(answer, Batch):
        answer = {column.name: column for column in answer.columns}
    if hasattr(answer, "_export_to_c"):
        root = _exported(answer)
        if root.format != "+s":
            raise ValueError("its type is not that of a struct, whose children are columns")
        return root
    if not isinstance(answer, dict):
        raise TypeError("a handler answers with a dict of columns, a pyarrow.RecordBatch, a Batch or None, not with %s"
                        % type(answer).__name__)
    children = [_node_of(name, value) for name, value in answer.items()]
    lengths = {child.length for child in children}
    if len(lengths) > 1:
        raise ValueError("columns of different lengths: " + ", ".join(
            "'%s' %d" % (child.name, child.length) for child in children))
    root = _Node("+s", lengths.pop() if lengths else 0, 0, [b""], flags=0)
    root.children = children
    return root


class _Writer:
    """Describes a result: first measures what is to be copied, then copies and writes."""

    def __init__(self, batch):
        self._batch, self._ranges, self._last = batch, batch._ranges(), 0
        self._block = batch._block
        self._start = self._block.address if self._block is not None else 0
        self._room = self._block.size if self._block is not None else 0
        self._moved, self._parts = 0, []

    def _is_shared(self, address, size):
        if self._start <= address and address + size <= self._start + self._room:
            return True
        for i in range(len(self._ranges)):
            at = (self._last + i) % len(self._ranges)
            if self._ranges[at][0] <= address and address + size <= self._ranges[at][1]:
                self._last = at
                return True
        return False

    def _is_copied(self, buffer):
        return isinstance(buffer, bytes) and buffer or isinstance(buffer, tuple) and not self._is_shared(*buffer)

    def _measure(self, node):
        size = 0
        for buffer in node.buffers:
            if self._is_copied(buffer):
                size += _ALIGNMENT + (len(buffer) if isinstance(buffer, bytes) else buffer[1])
        below = node.children if node.dictionary is None else node.children + [node.dictionary]
        return size + sum(map(self._measure, below))

    def write(self, root):
        """Returns the description, the block that goes with it or None, and how much of that is used."""
        needed = self._measure(root)
        if needed > 0 and needed > self._room - self._batch._used:
            self._grow(needed)
        self._put(root)
        return b"".join(self._parts), self._block, self._base() - self._block.address + self._batch._used \
            if self._block is not None else 0

    def _base(self):
        return self._start + self._moved if self._start else self._block.address

    def _grow(self, needed):
        used = self._batch._used
        larger = tproc.alloc(used + needed + 2 * _ALIGNMENT)
        if self._block is not None:
            # as far from the next multiple as before, so that what was aligned stays so
            self._moved = larger.address + (self._start - larger.address) % _ALIGNMENT - self._start
            ctypes.memmove(self._start + self._moved, self._start, used)
        self._block = larger

    def _place(self, buffer):
        if not buffer or isinstance(buffer, tuple) and buffer[1] == 0:
            return 0
        if not self._is_copied(buffer):
            inside = self._start <= buffer[0] < self._start + self._room
            return buffer[0] + self._moved if inside else buffer[0]
        base = self._base()
        at = base + self._batch._used
        at += -at % _ALIGNMENT
        size = len(buffer) if isinstance(buffer, bytes) else buffer[1]
        ctypes.memmove(at, buffer if isinstance(buffer, bytes) else buffer[0], size)
        self._batch._used = at + size - base
        return at

    def _put(self, node):
        format, name = node.format.encode(), node.name.encode(errors="surrogateescape")
        places = [self._place(buffer) for buffer in node.buffers]
        self._parts.append(struct.pack("=qqq6I%dQ" % len(places), node.length, node.nulls, node.flags, len(format),
                                       len(name), len(node.metadata), len(places), len(node.children),
                                       node.dictionary is not None, *places))
        for text in (format, name, node.metadata):
            self._parts.append(text + bytes(-len(text) % 8))
        for each in node.children:
            self._put(each)
        if node.dictionary is not None:
            self._put(node.dictionary)


def _respond(raw, batch, answer):
    """Returns what follows the head, and how many bytes of the block are used."""
    if answer is None:
        return b"", 0
    description, block, used = _Writer(batch).write(_root_of(answer))
    if block is not None:
        _send_block(raw, block)
        if block is batch._block:
            batch._block = None
    return description, used


def _send_block(raw, block):
    """Arrays over it may be there still: they see what Java has from here on."""
    address = block.address
    tproc._check(tproc._library.tproc_respond_block(ctypes.byref(raw), address), "respond a block")
    block._address = None


def _free(block):
    """Arrays over it may be there still, of a handler that has failed."""
    if block is not None and block._address is not None:
        tproc._library.tproc_free(block._address)
        block._address = None


def _handle(handler, raw):
    """Returns the code that the request is finished with."""
    batch, code, body, used = Batch(raw), 0, b"", 0
    lease = batch._lease
    try:
        body, used = _respond(raw, batch, handler(batch))
    except Exception as failed:
        code = tproc._EXCEPTION
        tproc._respond_failure(raw, failed)
    _free(batch._block)
    batch._block = None
    if not batch._is_kept:
        batch.release()
    del batch  # one that nobody has kept is released now
    kept = lease.answer()
    if code == 0:
        flags = (_KEPT if kept else 0) | (_BATCH if body else 0)
        tproc._respond(raw, struct.pack("=4sIQQ", b"TPA1", flags, os.getpid(), used) + body)
    elif not kept:
        _tell(lease.id)  # a failure does not say so
    return code


def serve(handler):
    """Serves the requests of the pool of io.tproc.arrow that has started this program, until the pool closes.

    handler(batch) is given a Batch, and returns a dict of columns by name, a pyarrow.RecordBatch, a Batch, or None.
    Columns are Columns of the batch (they go back in place), NumPy arrays (in place when made by batch.empty(), else
    copied once; masked ones have nulls), lists of str, bytes, numbers, booleans and None, memoryviews, or pyarrow's
    arrays. What it raises is an exception in Java, with the traceback as its message.
    """
    tproc._serve(lambda raw: _handle(handler, raw))
