"""Started by WorkersIT as a worker: what tproc.serve promises. The first byte of a request says what is wanted."""

import os
import sys

import tproc


def all_blocks():
    """What is free of the heap, which keeps pages for blocks of one size."""
    for size in [1 << bits for bits in range(36, 12, -1)] + list(range(4096, 0, -16)):
        try:
            while True:
                yield tproc.alloc(size)
        except OSError:
            pass


def handle(request):
    what, rest = request.data[:1], request.data[1:]
    if what == b"e":
        return rest
    if what == b"a":
        for buffer in request.buffers:
            floats = buffer.cast("f")
            for i in range(len(floats)):
                floats[i] *= 2
        return "%d buffers" % len(request.buffers)
    if what == b"b":
        request.block.memory[0] += 1
        return rest, request.block
    if what == b"n":
        block = tproc.alloc(100)
        block.memory[99] = 42
        return block
    if what == b"f":
        request.block.free()
        return None
    if what == b"p":
        return str(os.getpid())
    if what == b"v":
        raise ValueError("no " + rest.decode())
    if what == b"t":
        return 5  # no bytes
    if what == b"s":
        raise ValueError("no text: \udc80")
    if what == b"m":
        blocks = list(all_blocks())
        raise MemoryError("beside %d blocks" % len(blocks))
    if what == b"x":
        sys.exit(int(rest))
    raise NotImplementedError(what)


if __name__ == "__main__":
    tproc.serve(handle)
