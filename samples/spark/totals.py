"""The same worker in Python. A price that is no number is its bug, too: it crashes."""

import os

import tproc.arrow

try:
    import numpy
except ImportError:
    numpy = None


def totals(batch):
    price, count, total = batch["price"].values, batch["count"].values, batch.empty("d")
    if numpy:
        if numpy.isnan(price).any():
            os.abort()
        numpy.multiply(price, count, out=total)
    else:
        for i in range(len(batch)):
            if price[i] != price[i]:
                os.abort()
            total[i] = price[i] * count[i]
    return {"total": total}


tproc.arrow.serve(totals)
