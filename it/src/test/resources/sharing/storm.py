"""What sharing_storm.c does, in Python, as a process that attaches:  storm.py COUNTER QUEUE SOCKET"""
import os
import struct
import sys

import tproc

tproc.attach(sys.argv[3])
entry = tproc.wait_for(sys.argv[1], None, 60)
mutex = tproc.Mutex(entry.address)
numbers = (tproc.ctypes.c_uint64 * 2).from_address(entry.address + tproc.Mutex.SIZE)
queue = tproc.Channel.open(sys.argv[2], tproc.SENDER | tproc.RECEIVER, 60)
number = os.getpid()
parent = os.getppid()
while os.getppid() == parent:  # it outlives neither the test nor its host
    with mutex.acquire() as held:
        if held.owner_died:
            numbers[1] = numbers[0]
            held.consistent()
        assert numbers[0] == numbers[1]
        numbers[0] += 1
        numbers[1] += 1
    message = queue.try_receive()
    if message is not None:
        with message.block as block:
            assert block.memory[:8] == message.data, (bytes(block.memory[:8]), message.data)
    block = tproc.alloc(16 + number % 40000)
    data = struct.pack("=Q", number)
    block.memory[:8] = data
    if not queue.try_send(data, block):
        block.free()
    number = (number * 25214903917 + 11) % (1 << 48)
