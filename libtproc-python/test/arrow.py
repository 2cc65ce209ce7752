"""A worker that is given Arrow columns, as arrow.cpp. TPROC_TEST_WITHOUT: what is not to be there."""

import os
import sys

for name in os.environ.get("TPROC_TEST_WITHOUT", "").split():
    sys.modules[name] = None

import tproc.arrow

try:
    import numpy
except ImportError:
    numpy = None

kept = []


def compute(batch):
    x = batch["x"].values
    rows = range(len(batch))
    wholes = [int(x[i]) if int(x[i]) == x[i] else None for i in rows]
    texts = [str(int(x[i])) if x[i] >= 0 else None for i in rows]
    if numpy is None:
        twice = batch.empty("d")
        for i in rows:
            twice[i] = 2 * x[i]
        return {"twice": twice, "whole": wholes, "positive": [each > 0 for each in x], "text": texts, "was": batch["x"]}
    twice = batch.empty("f8")
    numpy.multiply(x, 2, out=twice)
    there = x.astype("i4") == x
    whole = numpy.ma.array(x.astype("i4"), mask=~there)
    return {"twice": twice, "whole": whole, "positive": x > 0, "text": numpy.array(texts, object), "was": batch["x"]}


def with_pyarrow(batch):
    import pyarrow
    import pyarrow.compute

    columns = batch.to_pyarrow()
    twice = pyarrow.compute.multiply(columns["x"], 2.0)
    sliced = pyarrow.array([None, "a", "bb", None, "ccc", "d", "e", "f", "g", "h", "i"])[3:6]
    nested = pyarrow.array([{"n": [i, None]} for i in range(7)])[2:5]
    words = pyarrow.array(["x", "y", "x"]).dictionary_encode()
    return pyarrow.RecordBatch.from_arrays([twice, columns["x"], sliced, nested, words],
                                           ["twice", "was", "sliced", "nested", "words"])


def keep(batch):
    kept.append(batch.keep())
    return {"count": [len(batch)]}


def keep_with_pyarrow(batch):
    kept.append(batch.to_pyarrow())
    return {"count": [len(batch)]}


def let_go(batch):
    kept.clear()
    return {"count": [0]}


def fail(batch):
    raise RuntimeError("as it was told")


def keep_and_fail(batch):
    keep(batch)
    raise RuntimeError("it keeps them")


def overflow(batch):
    batch.reserve(8 * len(batch))
    first = batch.empty("i4" if numpy is not None else "i")
    first[0:1] = first[0:1]
    for i in range(len(batch)):
        first[i] = i
    return {"first": first, "second": [i / 2 for i in range(len(batch))]}


def types(batch):
    """What Python makes of each column."""
    return {"text": ["%s=%r" % (column.name, column.to_list()) for column in batch.columns]}


def late(batch):
    """A column of a batch before that was not kept."""
    kept.append(batch["x"])
    try:
        return {"text": [str(kept[-2].values)]}
    except ValueError as refused:
        return {"text": [str(refused)]}
    except IndexError:
        return None


WHAT = {1: compute, 3: keep, 4: let_go, 5: fail, 6: keep_and_fail, 7: lambda batch: os.abort(), 9: overflow,
        11: lambda batch: None, 12: lambda batch: batch, 13: with_pyarrow, 14: keep_with_pyarrow,
        15: lambda batch: {"a": [1], "b": [1, 2]}, 16: lambda batch: {"c": [1, "x"]}, 17: late, 18: lambda batch: 5}


def handle(batch):
    columns = batch.columns
    if not columns or columns[0].name != "do":
        return types(batch) if "types" in sys.argv else batch
    return WHAT[columns[0].to_list()[0]](batch)


tproc.arrow.serve(handle)
