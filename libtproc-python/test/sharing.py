"""Hosted by PythonIT: what the package promises, alone and with Java.  sharing.py CHANNEL BACK"""

import array
import errno
import os
import pickle
import signal
import struct
import sys
import threading

import tproc


def refused(number, call):
    try:
        call()
    except OSError as failure:
        assert failure.errno == number, failure
        return
    raise AssertionError("it was not refused")


def ends(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError("no " + kind.__name__)


def heap():
    with tproc.alloc(1000) as block:
        memory = block.memory
        memory[:5] = b"hello"
        assert bytes(block.memory[:5]) == b"hello" and len(memory) == 1000
        again = tproc.take(block.address)
        assert again.size >= 1000 and bytes(again.memory[:5]) == b"hello"
    ends(ValueError, lambda: memory[0])
    ends(ValueError, lambda: block.address)
    refused(errno.EINVAL, lambda: tproc.take(again.address))
    refused(errno.ENOMEM, lambda: tproc.alloc(1 << 60))
    refused(errno.EINVAL, lambda: tproc.alloc(1, 3))
    with tproc.alloc(1, 4096) as wide:
        assert wide.address % 4096 == 0 and tproc.owner_of(wide.address) == os.getpid()
    assert tproc.owner_of(again.address + 1) == 0
    refused(errno.ESRCH, lambda: tproc.alloc(10).give(1))
    kept = tproc.alloc(10)
    holder = pickle.PickleBuffer(kept.memory)  # holds it as a NumPy array does
    ends(BufferError, kept.free)
    assert kept.memory[9] == holder.raw()[9]
    holder.release()
    kept.free()
    kept.free()


def arenas():
    """As tproc_share_abi.h has it: what a program in C or C++ fills."""
    with tproc.alloc(4096) as block:
        block.memory[:] = bytes(4096)
        refused(errno.EPROTO, lambda: block.root())
        root = block.address + 1152
        block.memory[:32] = struct.pack("=8sQQQ", b"tprocarn", 4096, 2048, root)
        block.memory[32:42] = b"it.Words/1"
        assert block.root("it.Words/1") == block.root() == root
        refused(errno.EPROTOTYPE, lambda: block.root("it.Word"))
        for type in "it.Words/1\0", "t" * 48:
            ends(ValueError, lambda: block.root(type))


def locks():
    block = tproc.alloc(64)
    block.memory[:] = bytes(64)
    mutex = tproc.Mutex(block.address)
    with mutex.acquire() as held:
        assert not held.owner_died
        refused(errno.EDEADLK, mutex.acquire)
        refused(errno.EINVAL, held.consistent)
    with mutex.try_acquire() as held:
        child = os.fork()
        if child == 0:
            os._exit(0 if mutex.try_acquire() is None and mutex.acquire(0.01) is None else 1)
        assert os.waitpid(child, 0)[1] == 0
    refused(errno.EPERM, held.release)
    block.free()


def zeroed(size):
    block = tproc.alloc(size)
    block.memory[:] = bytes(len(block.memory))
    return block


def conditions():
    with zeroed(64) as block:
        memory, mutex, condition = block.memory, tproc.Mutex(block.address), tproc.Condition(block.address + 8)
        changed = 12

        def change(value):
            with mutex.acquire():
                memory[changed] = value
                condition.notify_all()

        with mutex.acquire() as held:
            while condition.wait(held, 0.01):
                pass  # it may return without a reason: a process has died, say
            assert condition.wait_for(held, lambda: memory[changed], 0.01) == 0
            thread = threading.Thread(target=change, args=(1,))
            thread.start()
            while not memory[changed]:
                condition.wait(held)
            refused(errno.EDEADLK, mutex.acquire)
        thread.join()
        child = os.fork()
        if child == 0:
            with mutex.acquire() as held:
                condition.wait_for(held, lambda: memory[changed] == 2)
                memory[changed] = 3
                condition.notify_all()
                os.kill(os.getpid(), signal.SIGKILL)  # with the mutex
        change(2)
        with mutex.acquire() as held:
            while not held.owner_died:
                assert condition.wait(held, 30)
            assert memory[changed] == 3
            held.consistent()
            os.waitpid(child, 0)
        refused(errno.EPERM, lambda: condition.wait(held))


def barriers():
    with zeroed(tproc.Barrier.SIZE) as block:
        barrier = tproc.Barrier(block.address, 3)
        last = []

        def rounds():
            for _ in range(20):
                last.append(barrier.wait())
            barrier.leave()

        threads = [threading.Thread(target=rounds) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(last) == 60 and sum(last) == 20, last
        refused(errno.ENOENT, barrier.leave)
        refused(errno.EINVAL, tproc.Barrier(block.address, 65).wait)
    with zeroed(tproc.Barrier.SIZE) as block:
        barrier = tproc.Barrier(block.address, 2)
        ends(TimeoutError, lambda: barrier.wait(0.01))
        child = os.fork()
        if child == 0:
            barrier.wait()
            os.kill(os.getpid(), signal.SIGKILL)
        barrier.wait()
        refused(errno.ECANCELED, barrier.wait)
        os.waitpid(child, 0)
        barrier.leave()


def events():
    with zeroed(16) as block:
        memory, event = block.memory, tproc.Event(block.address)
        assert not event.wait(lambda: memory[8], 0.01)
        child = os.fork()
        if child == 0:
            event.wait(lambda: memory[8] == 1)
            memory[8] = 2
            event.signal()
            os._exit(0)
        memory[8] = 1
        event.signal()
        assert event.wait(lambda: memory[8] == 2) and os.waitpid(child, 0)[1] == 0
        assert event.wait(lambda: 7, 0) == 7


def semaphores():
    with zeroed(tproc.Semaphore.SIZE) as block:
        permits = tproc.Semaphore(block.address, 1)
        assert permits.try_acquire() and not permits.try_acquire() and not permits.acquire(0.01)
        thread = threading.Thread(target=permits.release)
        thread.start()
        assert permits.acquire()
        thread.join()
        refused(errno.EOVERFLOW, tproc.Semaphore(block.address, 0xffffffff).release)


def onces():
    with zeroed(16) as block:
        once, calls = tproc.Once(block.address), []

        def fail():
            raise LookupError
        ends(LookupError, lambda: once.call(fail))
        refused(errno.EDEADLK, lambda: once.call(lambda: once.call(calls.clear)))
        child = os.fork()
        if child == 0:
            once.call(lambda: os.kill(os.getpid(), signal.SIGKILL))
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        threads = [threading.Thread(target=once.call, args=(lambda: calls.append(1),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert calls == [1]


def batches():
    with tproc.Channel.create(4, tproc.SENDER | tproc.RECEIVER) as channel:
        blocks = [zeroed(8) for _ in range(6)]
        assert channel.send_batch([(bytes([i]), block) for i, block in enumerate(blocks)]) == 4
        ends(ValueError, lambda: blocks[3].address)
        assert blocks[4].address and channel.send_batch([b"none"], 0.01) == 0
        got = channel.receive_batch(3) + channel.receive_batch(3)
        assert [each.data[0] for each in got] == [0, 1, 2, 3] and got[3].block.memory[0] == 0
        assert channel.receive_batch(3, 0.01) == []
        ends(ValueError, lambda: channel.send_batch([(b"", blocks[4]), (b"", blocks[0])]))  # which has gone
        assert blocks[4].address and channel.try_receive() is None
        ends(ValueError, lambda: channel.send_batch([b"", bytes(49)]))

        # A block that was freed on its way is told of, and what came before it is not lost.
        gone = blocks[4].address
        assert channel.send_batch([b"one", b"two", (b"gone", blocks[4]), b"three"]) == 4
        tproc._library.tproc_free(gone)
        refused(errno.EBADMSG, lambda: channel.receive_batch(8))
        assert [each.data for each in channel.receive_batch(8)] == [b"one", b"two"]
        assert channel.receive().data == b"three"
        with tproc.Channel.open_id(channel.id, tproc.SENDER) as other:
            assert other.peers() == (2, 1)
        entry = channel.publish("it.python.channel")
        refused(errno.EEXIST, lambda: channel.publish("it.python.channel"))
    assert tproc.lookup("it.python.channel").id == entry.id  # an end of another process may be open
    entry.withdraw()
    ends(FileNotFoundError, lambda: tproc.lookup("it.python.channel"))


def selections():
    both = tproc.SENDER | tproc.RECEIVER
    with tproc.Channel.create(1, both) as first, tproc.Channel.create(1, both) as second:
        assert tproc.select([first, second], 0.01) == []
        assert tproc.select([first, (second, tproc.SENDER)]) == [(second, tproc.SENDER)]
        thread = threading.Thread(target=second.send, args=(b"second",))
        thread.start()
        assert tproc.select([first, second]) == [second]
        thread.join()
        second._late.append(tproc._Message())  # as of a signal's handler that has raised
        assert tproc.select([first, second]) == [second]
        refused(errno.EINVAL, lambda: tproc.select([]))


def registry(name):
    with tproc.alloc(16) as block:
        entry = tproc.publish(name, "py/1", block, version=3)
        found = tproc.lookup(name, "py/1")
        assert (found.id, found.address, found.size, found.version) == (entry.id, block.address, 16, 3)
        assert found.pid == os.getpid() and not found.ended
        refused(errno.EEXIST, lambda: tproc.publish(name, "py/1", block))
        refused(errno.EPROTOTYPE, lambda: tproc.lookup(name, "other"))
        assert entry.id in [each.id for each in tproc.entries()]
        assert not found.watch(0.01)
        entry.withdraw()
        assert found.watch()
        refused(errno.ESTALE, entry.withdraw)
        ends(FileNotFoundError, lambda: tproc.lookup(name))
        ends(TimeoutError, lambda: tproc.wait_for(name, timeout=0.01))
        for wrong in "", "n" * 96, name + "\0":
            ends(ValueError, lambda: tproc.publish(wrong, "", block))
            ends(ValueError, lambda: tproc.lookup(wrong))
        ends(ValueError, lambda: tproc.publish(name, "py\0", block))


def channels():
    both = tproc.SENDER | tproc.RECEIVER
    refused(errno.EINVAL, lambda: tproc.Channel.create(3, both))
    with tproc.Channel.create(2, both) as channel:
        assert channel.peers() == (1, 1) and channel.try_receive() is None and channel.receive(0.01) is None
        block = tproc.alloc(10)
        block.memory[0] = 7
        assert channel.try_send(b"one", block) and channel.send(b"two")
        ends(ValueError, lambda: block.memory)
        left = tproc.alloc(10)
        assert not channel.try_send(b"three", left) and not channel.send(b"three", left, 0.01)
        left.free()
        message = channel.receive()
        assert message.data == b"one" and message.block.memory[0] == 7
        message.block.free()
        assert channel.receive().data == b"two"
        ends(ValueError, lambda: channel.send(bytes(49)))
        pair = array.array("d", [1.0, 2.0])
        assert channel.send(pair) and channel.receive().data == pair.tobytes()
        ends(ValueError, lambda: channel.send(array.array("d", 7 * [0.0])))
        for wrong in "", "n" * 96, "n\0":
            ends(ValueError, lambda: channel.publish(wrong))
    channel.close()
    refused(errno.EBADF, lambda: channel.try_send(b""))


def raising(waits, then):
    """A signal's handler raises in `waits`; `then` runs when the signal has come, which is before its handler does."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    thread = threading.Thread(target=lambda: (os.read(read, 1), then()))
    thread.start()

    def wait():
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        waits()

    ends(KeyboardInterrupt, wait)
    thread.join()
    signal.set_wakeup_fd(-1)
    os.close(read)
    os.close(write)


def interrupted():
    """A signal's handler runs while it waits. Nothing is locked, sent or lost by what it raises."""
    def handler(number, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGALRM, handler)
    with tproc.Channel.create(1, tproc.SENDER | tproc.RECEIVER) as channel:
        raising(channel.receive, lambda: channel.send(b"late", tproc.alloc(10)))
        message = channel.try_receive()
        assert message.data == b"late" and message.block.size >= 10
        message.block.free()

        raising(channel.receive, lambda: channel.send(b"late"))
        child = os.fork()
        if child == 0:  # has a copy of this object, but its parent's message is not its own
            late = []
            channel._take_late(late)
            os._exit(len(late))
        assert os.waitpid(child, 0)[1] == 0
        assert channel.receive().data == b"late"

        channel.send(b"first")
        block = tproc.alloc(10)
        raising(lambda: channel.send(b"second", block), channel.receive)
        message = channel.try_receive()
        if message is None:
            block.free()
        else:
            ends(ValueError, lambda: block.address)
            message.block.free()
    with zeroed(tproc.Mutex.SIZE) as block:
        mutex, locked, may_release = tproc.Mutex(block.address), threading.Event(), threading.Event()

        def lock():
            with mutex.acquire():
                locked.set()
                may_release.wait()

        other = threading.Thread(target=lock)
        other.start()
        locked.wait()
        raising(mutex.acquire, lambda: (may_release.set(), other.join()))
        with mutex.try_acquire() as held:
            assert not held.owner_died
        mutex.acquire()  # a hold that is forgotten
        mutex.try_acquire().release()
    with zeroed(tproc.Semaphore.SIZE) as block:
        permits = tproc.Semaphore(block.address)
        raising(permits.acquire, permits.release)
        assert permits.try_acquire() and not permits.try_acquire()


def with_java(name, back):
    with tproc.Channel.open(name, tproc.RECEIVER) as jobs, tproc.Channel.open(back, tproc.SENDER) as done:
        for message in jobs:
            message.block.memory[0] *= 2
            done.send(message.data, message.block)


assert tproc.is_threadproc()
heap()
arenas()
locks()
conditions()
barriers()
events()
semaphores()
onces()
registry("it.python")
channels()
batches()
selections()
interrupted()
with_java(sys.argv[1], sys.argv[2])
