"""analyst.py FROM TO: works out the mean and the highest of each station of a report, in place, and sends it on."""

import ctypes
import sys

import tproc


class Station(ctypes.Structure):  # as in report.hpp
    _fields_ = [
        ("name", ctypes.c_void_p), ("name_size", ctypes.c_uint64),
        ("celsius", ctypes.c_void_p), ("count", ctypes.c_uint64),
        ("mean", ctypes.c_double), ("highest", ctypes.c_double),
    ]


class Stations(ctypes.Structure):
    _fields_ = [("first", ctypes.c_void_p), ("count", ctypes.c_uint64)]


def analyse(report):
    stations = Stations.from_address(report.root("sample.Report/1"))
    for station in (Station * stations.count).from_address(stations.first):
        celsius = (ctypes.c_double * station.count).from_address(station.celsius)
        station.mean, station.highest = sum(celsius) / station.count, max(celsius)


def main():
    with tproc.Channel.open(sys.argv[1], tproc.RECEIVER) as reports, \
         tproc.Channel.open(sys.argv[2], tproc.SENDER) as analysed:
        for message in reports:
            analyse(message.block)
            analysed.send(message.data, message.block)


main()
