"""The conformance program of Python: conformance.c says what it does.  conformance.py make|use PREFIX [SOCKET]"""

import ctypes
import errno
import os
import signal
import struct
import sys

import tproc

SOON = 0.01

step = ""


def begin(following):
    global step
    if step:
        print("ok " + step, flush=True)
    step = following


def code_of(call):
    try:
        call()
    except ValueError:
        return errno.EINVAL
    except OSError as failure:
        return failure.errno
    return 0


def error(name, call):
    print("error %s %d" % (name, code_of(call)))


def zeroed(size):
    block = tproc.alloc(size)
    block.memory[:] = bytes(len(block.memory))
    return block


def add_node(arena, value, following):
    """What arenas have in all languages: a list of three."""
    address = arena.alloc(16)
    arena.view(address, 16)[:] = struct.pack("=QQ", value, following)
    return address


def values(arena, first):
    while first != 0:
        value, first = struct.unpack("=QQ", arena.view(first, 16))
        yield value


class Conformance:
    def __init__(self, prefix):
        self.prefix = prefix

    def name(self, of):
        return self.prefix + "." + of

    def place(self, get):
        """The objects: `get` gives the address of each."""
        address = get("mutex", "it.Mutex/1", 16)
        self.mutex = tproc.Mutex(address)
        self.value = ctypes.c_uint64.from_address(address + 8)
        self.condition = tproc.Condition(get("condition", "it.Condition/1", tproc.Condition.SIZE))
        self.event = tproc.Event(get("event", "it.Event/1", tproc.Event.SIZE))
        self.semaphore = get("semaphore", "it.Semaphore/1", tproc.Semaphore.SIZE)
        self.barrier = get("barrier", "it.Barrier/1", tproc.Barrier.SIZE)
        self.once = tproc.Once(get("once", "it.Once/1", tproc.Once.SIZE))

    def publish_new(self, of, type, size):
        block = zeroed(size)
        tproc.publish(self.name(of), type, block)
        return block.address

    def find(self, of, type, size):
        found = tproc.wait_for(self.name(of), type)
        assert found.size >= size
        return found.address

    def tell(self, text, block=None):
        self.output.send(str(text).encode(), block)

    def hear(self, text):
        message = self.input.receive()
        assert message.data == text.encode(), message.data
        return message.block

    def hear_number(self):
        return int(self.input.receive().data)

    def has(self, value):
        with self.mutex.acquire():
            return self.value.value == value

    def set(self, value):
        with self.mutex.acquire():
            self.value.value = value

    def pass_barrier(self):
        return sum(self.barrier.wait() for _ in range(20))

    def wrong_calls(self):
        block, none, full = tproc.alloc(8), zeroed(tproc.Barrier.SIZE), zeroed(tproc.Semaphore.SIZE)
        permits = tproc.Semaphore(full.address, 0xffffffff)
        error("long message", lambda: self.output.try_send(bytes(49)))
        error("three cells", lambda: tproc.Channel.create(3, tproc.SENDER))
        error("no channel", lambda: tproc.Channel.open_id(2 ** 64 - 1, tproc.SENDER))
        error("taken name", lambda: tproc.publish(self.name("mutex"), "", block))
        error("other type", lambda: tproc.wait_for(self.name("mutex"), "it.Other/1"))
        error("long name", lambda: tproc.lookup("x" * 96))
        error("no process", lambda: block.give(1))
        error("no block", lambda: tproc.take(block.address + 4))
        error("too large", lambda: tproc.alloc(1 << 60))
        error("no arena", lambda: block.root())
        with tproc.Arena.create(1200) as arena:
            error("full arena", lambda: arena.alloc(4096))
            root = arena.alloc(16)
            error("long type", lambda: arena.set_root(root, "x" * 48))
        error("no party", tproc.Barrier(none.address).wait)
        error("full semaphore", permits.release)
        for each in block, none, full:
            each.free()

    # ---- the maker

    def make_messages(self):
        begin("inline")
        self.output.send(bytes(range(48)))
        back = self.input.receive()
        assert back.data == bytes(reversed(range(48))) and back.block is None
        self.tell("")

        begin("block")
        block = tproc.alloc(1000)
        address = block.address
        block.memory[:] = bytes(i % 251 for i in range(1000))
        self.tell("block", block)
        with self.hear("changed") as block:
            assert block.address == address and tproc.owner_of(address) == os.getpid()
            assert bytes(block.memory[:1000]) == bytes(i % 251 + 1 for i in range(1000))
        with self.hear("own") as block:
            assert block.size >= 5000 and block.memory[4999] == 9

        begin("free")
        address = tproc.alloc(64).address
        self.tell(address)
        self.hear("freed")
        assert tproc.owner_of(address) == 0

        begin("arena")
        arena = tproc.Arena.create(4096)
        first = add_node(arena, 4, add_node(arena, 3, 0))
        used = arena.used
        arena.free(arena.alloc(100, 1), 100)
        assert arena.used == used
        arena.set_root(first, "it.Node/1")
        self.tell("arena", arena.block)
        with tproc.Arena(self.hear("grown")) as grown:
            assert grown.root("it.Node/1") == first and list(values(grown, first)) == [4, 5, 3]

    def make_gift(self, peer):
        begin("give")
        block = zeroed(64)
        address = block.address
        block.memory[63] = 5
        block.give(peer)
        self.tell(address)
        self.hear("freed")
        assert tproc.owner_of(address) == 0

    def make_registry(self, entry):
        begin("registry")
        self.hear("found")
        entry.withdraw()
        self.hear("gone")

    def make_locks(self):
        begin("mutex")
        with self.mutex.acquire():
            self.tell("locked")
            self.hear("busy")
            self.value.value = 41
        self.tell("free")
        self.hear("done")
        assert self.has(42)

        begin("condition")
        self.hear("waiting")
        with self.mutex.acquire() as held:
            self.value.value = 50
            self.condition.notify_all()
            self.condition.wait_for(held, lambda: self.value.value == 51)

        begin("event")
        self.set(60)
        self.event.signal()
        self.event.wait(lambda: self.has(61))

        begin("semaphore")
        self.hear("taken")
        self.semaphore.release()
        self.hear("got")
        assert not self.semaphore.try_acquire()

        begin("barrier")
        last = self.pass_barrier()
        assert last + self.hear_number() == 20
        self.barrier.leave()

        begin("once")
        calls = []
        self.once.call(lambda: calls.append(1))
        self.tell("once")
        self.hear("not again")
        assert calls == [1]

    def make_channels(self):
        begin("batch")
        with tproc.Channel.create(4, tproc.SENDER) as batch:
            batch.publish(self.name("batch"))
            self.hear("open")
            assert batch.send_batch([bytes([i]) for i in range(3)]) == 3
        self.hear("three")

        begin("close")
        with tproc.Channel.create(4, tproc.SENDER) as shut:
            shut.publish(self.name("shut"))
            self.hear("shut")
            assert code_of(lambda: shut.try_send(b"")) == errno.EPIPE

    def make_death(self):
        """The user dies with the mutex, unless it is the host."""
        begin("death")
        if self.input.receive().data == b"locked":
            kept = tproc.lookup(self.name("kept"))
            with self.mutex.acquire() as held:
                assert held.owner_died and self.value.value == 70
                held.consistent()
            assert self.has(70)
            assert kept.watch() and kept.status == 256 + signal.SIGKILL
            assert tproc.lookup(self.name("kept")).ended
        assert code_of(self.input.receive) == errno.EPIPE
        code = 0
        while code == 0:  # one end goes after the other
            code = code_of(lambda: self.output.send(b""))
        assert code == errno.EPIPE

    def make(self):
        self.place(self.publish_new)
        self.semaphore = tproc.Semaphore(self.semaphore, 2)
        self.barrier = tproc.Barrier(self.barrier, 2)
        entry = tproc.publish(self.name("entry"), "it.Entry/1", zeroed(128), version=7)
        self.output = tproc.Channel.create(16, tproc.SENDER)
        self.input = tproc.Channel.create(16, tproc.RECEIVER)
        self.output.publish(self.name("there"))
        self.input.publish(self.name("back"))
        peer = self.hear_number()
        self.tell(os.getpid())
        self.make_messages()
        self.make_gift(peer)
        self.make_registry(entry)
        self.make_locks()
        self.make_channels()
        begin("errors")
        self.wrong_calls()
        self.make_death()
        begin("end")

    # ---- the user

    def use_messages(self):
        begin("inline")
        data = self.input.receive().data
        assert len(data) == 48
        self.output.send(bytes(reversed(data)))
        self.hear("")

        begin("block")
        block = self.hear("block")
        assert tproc.owner_of(block.address) == os.getpid()
        block.memory[:1000] = bytes(byte + 1 for byte in bytes(block.memory[:1000]))
        self.tell("changed", block)
        block = zeroed(5000)
        block.memory[4999] = 9
        self.tell("own", block)

        begin("free")
        tproc.take(self.hear_number()).free()
        self.tell("freed")

        begin("arena")
        block = self.hear("arena")
        assert tproc.owner_of(block.address) == os.getpid()
        assert code_of(lambda: block.root("it.Other/1")) == errno.EPROTOTYPE
        arena = tproc.Arena(block)
        first = arena.root("it.Node/1")
        assert arena.root() == first and list(values(arena, first)) == [4, 3]
        _, following = struct.unpack("=QQ", arena.view(first, 16))
        arena.view(first, 16)[:] = struct.pack("=QQ", 4, add_node(arena, 5, following))
        self.tell("grown", block)

        begin("give")
        address = self.hear_number()
        assert tproc.owner_of(address) == os.getpid()
        with tproc.take(address) as block:
            assert block.memory[63] == 5
        self.tell("freed")

    def use_registry(self, peer):
        begin("registry")
        name = self.name("entry")
        found = tproc.wait_for(name, "it.Entry/1")
        assert (found.version, found.size, found.pid, found.ended) == (7, 128, peer, False)
        assert code_of(lambda: tproc.lookup(name, "it.Other/1")) == errno.EPROTOTYPE
        assert tproc.lookup(name, "it.Entry/1").id == found.id
        assert not found.watch(SOON)
        self.tell("found")
        assert found.watch()
        assert code_of(lambda: tproc.lookup(name)) == errno.ENOENT
        self.tell("gone")

    def use_locks(self):
        begin("mutex")
        self.hear("locked")
        assert self.mutex.try_acquire() is None and self.mutex.acquire(SOON) is None
        self.tell("busy")
        self.hear("free")
        assert self.has(41)
        self.set(42)
        self.tell("done")

        begin("condition")
        with self.mutex.acquire() as held:
            self.tell("waiting")
            self.condition.wait_for(held, lambda: self.value.value == 50)
            self.value.value = 51
            self.condition.notify_all()

        begin("event")
        self.event.wait(lambda: self.has(60))
        self.set(61)
        self.event.signal()

        begin("semaphore")
        assert self.semaphore.acquire() and self.semaphore.try_acquire()
        assert not self.semaphore.try_acquire() and not self.semaphore.acquire(SOON)
        self.tell("taken")
        self.semaphore.acquire()
        self.tell("got")

        begin("barrier")
        self.tell(self.pass_barrier())
        self.barrier.leave()

        begin("once")
        calls = []
        self.hear("once")
        self.once.call(lambda: calls.append(1))
        assert calls == []
        self.tell("not again")

    def use_channels(self):
        begin("batch")
        with tproc.Channel.open(self.name("batch"), tproc.RECEIVER) as batch:
            self.tell("open")
            messages = []
            while len(messages) < 3:
                assert tproc.select([batch]) == [batch]
                messages += batch.receive_batch(8)
            assert [each.data for each in messages] == [bytes([i]) for i in range(3)]
            assert code_of(batch.receive) == errno.EPIPE
        self.tell("three")

        begin("close")
        with tproc.Channel.open(self.name("shut"), tproc.RECEIVER) as shut:
            assert shut.try_receive() is None
        self.tell("shut")

    def use_death(self):
        begin("death")
        tproc.publish(self.name("kept"), "", zeroed(8), kept=True)
        begin("end")
        held = self.mutex.acquire()  # until its end
        self.value.value = 70
        self.tell("locked")
        assert not held.owner_died
        os.kill(os.getpid(), signal.SIGKILL)

    def use(self):
        self.input = tproc.Channel.open(self.name("there"), tproc.RECEIVER)
        self.output = tproc.Channel.open(self.name("back"), tproc.SENDER)
        self.place(self.find)
        self.semaphore, self.barrier = tproc.Semaphore(self.semaphore), tproc.Barrier(self.barrier)
        self.tell(os.getpid())
        peer = self.hear_number()
        self.use_messages()
        self.use_registry(peer)
        self.use_locks()
        self.use_channels()
        begin("errors")
        self.wrong_calls()
        self.use_death()


if len(sys.argv) > 3:
    tproc.attach(sys.argv[3])
begin("start")
try:
    program = Conformance(sys.argv[2])
    program.make() if sys.argv[1] == "make" else program.use()
except BaseException:
    print("Python, step " + step, file=sys.stderr)
    raise
