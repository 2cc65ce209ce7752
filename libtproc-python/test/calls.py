"""Run by PythonWorkerIT: what tproc.calls reads and writes, against its own description."""

import fractions
import random
import unittest

from tproc.calls import Reader, Writer, handle


def written(value, given=()):
    return Writer(given).whole(value)


def read(data, buffers=()):
    return Reader(data, buffers).whole()


class Request:
    def __init__(self, data, *buffers):
        self.data = data
        self.buffers = list(buffers)


class Values(unittest.TestCase):
    def test_format(self):
        self.assertEqual(written(None) + written(True) + written(False), b"NTF")
        self.assertEqual(written(258), b"i" + bytes.fromhex("0201000000000000"))
        self.assertEqual(written(1 << 64), b"I\x09\0\0\0" + bytes.fromhex("010000000000000000"))
        self.assertEqual(written(1.0), b"d" + bytes.fromhex("000000000000f03f"))
        self.assertEqual(written("a\u00e9"), b"s\3\0\0\0a\xc3\xa9")
        self.assertEqual(written("\ud800x"), b"u\4\0\0\0\0\xd8x\0")
        self.assertEqual(written(bytearray(b"ab")), b"b\2\0\0\0ab")
        self.assertEqual(written((None, [True])), b"l\2\0\0\0Nl\1\0\0\0T")
        self.assertEqual(written({None: "v"}), b"m\1\0\0\0Ns\1\0\0\0v")

    def test_there_and_back(self):
        value = [None, -1, 10 ** 5000, -(1 << 63), float("inf"), "\ud800 \U0001f600", b"", {"k": [], 2.5: {}}]
        self.assertEqual(read(written(value)), value)

    def test_buffers(self):
        memory = memoryview(bytearray(16))
        reader = Reader(b"l\2\0\0\0v\0\0\0\0\0v\0\0\0\0\1", [memory])
        writable, read_only = reader.whole()
        self.assertIs(writable, memory)
        self.assertTrue(read_only.readonly)
        given = reader.given
        place = b"v\0\0\0\0%c" + bytes(7) + b"%c" + bytes(7)
        self.assertEqual(written(memory, given), place % (0, 16))
        self.assertEqual(written(read_only, given), place % (0, 16))
        self.assertEqual(written(memory[3:5], given), place % (3, 2))
        self.assertEqual(written(memory.cast("f")[1:], given), place % (4, 12))
        self.assertEqual(written(memoryview(b"own"), given), b"b\3\0\0\0own")
        with self.assertRaisesRegex(TypeError, "a memoryview that is in none of the caller's buffers, or not in one"):
            written(memory.cast("f")[::2], given)

    def assertRefused(self, kind, message, value):
        with self.assertRaisesRegex(kind, message):
            written(value)

    def test_what_cannot_go_is_named(self):
        self.assertRefused(TypeError, "^result: a value of type set cannot go to Java$", set())
        self.assertRefused(TypeError, r"^result\[1\]\['k'\]: a value of type fractions.Fraction",
                           [0, {"k": fractions.Fraction(1, 3)}])
        self.assertRefused(TypeError, r"^result\[\(1,\)\]: a key that is a tuple", {(1,): 2})
        itself = []
        itself.append(itself)
        self.assertRefused(ValueError, "deeper than 100, or it contains itself", itself)

    def assertNonsense(self, message, data):
        with self.assertRaisesRegex(ValueError, message):
            read(data)

    def test_nonsense(self):
        self.assertNonsense("1 bytes at 0 of 0", b"")
        self.assertNonsense("no value begins with b'x'", b"x")
        self.assertNonsense("1 bytes too many", b"NN")
        self.assertNonsense("4294967295 bytes", b"b\xff\xff\xff\xff")
        self.assertNonsense("a list of 4294967295 values in 1 bytes", b"l\xff\xff\xff\xffN")
        self.assertNonsense("a key that is a list", b"m\1\0\0\0l\0\0\0\0N")
        self.assertNonsense("two keys of a map are the same one", b"m\2\0\0\0TNi\1" + bytes(7) + b"N")
        self.assertNonsense("buffer 0 of 0", b"v\0\0\0\0\0")
        self.assertNonsense("deeper than 100", b"l\1\0\0\0" * 200)

    def test_any_bytes(self):
        """Nothing but a value or a ValueError comes of them (a UnicodeError is one)."""
        chance = random.Random(1)
        memory = memoryview(bytearray(4))
        whole = written(["text", [1, 2.5, {"k": b"x"}], 1 << 70, "\ud800"]) + b"v\0\0\0\0\0"
        for _ in range(20000):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                read(bytes(data), [memory])
            except ValueError:
                pass

    def test_calls(self):
        def answer(*call):
            return read(handle(Request(written(list(call)))))

        self.assertEqual(answer("math", "sqrt", [4.0], {}), [True, 2.0])
        self.assertEqual(answer("builtins", "sorted", [[1, 2]], {"reverse": True}), [True, [2, 1]])
        self.assertEqual(
            answer("json", "loads", ["{"], {})[1:3], ["cannot call json.loads", "json.decoder.JSONDecodeError"])
        self.assertEqual(answer("no.such", "f", [], {})[1:3], ["cannot import no.such", "ModuleNotFoundError"])
        self.assertEqual(
            answer("math", "pi", [], {})[1:4], ["cannot find pi in math", "TypeError", "a float cannot be called"])
        self.assertEqual(answer("builtins", "set", [], {})[1], "cannot send the result of builtins.set")
        self.assertEqual(read(handle(Request(b"l")))[:3], [False, "cannot read the arguments", "ValueError"])

    def test_read_only_views_are_released_with_the_request(self):
        memory = memoryview(bytearray(4))
        call = written(["operator", "index", [], {}]).replace(b"l\0\0\0\0", b"l\1\0\0\0v\0\0\0\0\1")
        request = Request(call, memory)
        self.assertEqual(read(handle(request))[1:3], ["cannot call operator.index", "TypeError"])
        self.assertEqual([each.readonly for each in request.buffers], [False, True])


if __name__ == "__main__":
    unittest.main()
