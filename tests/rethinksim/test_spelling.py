"""Numbers, strings and member order as the real server writes them."""

import math
import pathlib
import random
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from rethinksim import odd, spelling, values  # noqa: E402

# What a real 2.4.4 sent for these doubles.
RECORDED = [
    (0.0, "0"), (-0.0, "-0.0"), (9007199254740992.0, "9007199254740992"),
    (9007199254740994.0, "9007199254740994.0"), (-9007199254740992.0, "-9007199254740992"),
    (1e16, "10000000000000000.0"), (1e17, "100000000000000000.0"),
    (1e20, "100000000000000000000.0"),
    (1e21, "1e21"), (1.5e21, "1.5e21"), (1.5e300, "1.5e300"), (5e-324, "5e-324"),
    (1e-6, "0.000001"), (0.00012, "0.00012"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"),
    (0.30000000000000004, "0.30000000000000007"), (1 / 3, "0.3333333333333333"),
    (48.300000000000004, "48.300000000000007"), (math.pi, "3.141592653589793"),
    (1767225600.123456, "1767225600.123456"), (123456789012345678.0, "123456789012345680.0"),
    (-1 / 15, "-0.06666666666666667")]


class Numbers(unittest.TestCase):
    def test_recorded_spellings(self):
        for number, text in RECORDED:
            self.assertEqual(spelling.spell(number), text)

    def test_every_text_reads_back_to_its_double(self):
        chance = random.Random(7)
        for _ in range(20000):
            number = struct.unpack("<d", chance.randbytes(8))[0]
            if math.isfinite(number):
                text = spelling.spell(number)
                self.assertEqual(float(text), number, text)
                self.assertLessEqual(len(text), 25)

    def test_integers_lose_what_a_double_cannot_hold(self):
        self.assertEqual(spelling.spell(spelling.decode(b"9007199254740993")), "9007199254740992")
        self.assertEqual(spelling.spell(spelling.decode(b"[-0,-0.0]")), "[0,-0.0]")

    def test_what_no_double_holds_is_refused(self):
        for text in (b"1e309", b"-1e309", b"NaN", b"Infinity"):
            with self.assertRaises(spelling.BadJson):
                spelling.decode(text)


class Strings(unittest.TestCase):
    def test_escapes(self):
        self.assertEqual(spelling.spell('\x00\x0b\b\t\n\f\r"\\/\x7f\u2028é'),
                         '"\\u0000\\u000B\\b\\t\\n\\f\\r\\"\\\\/\x7f\u2028é"')

    def test_surrogates_pass_as_three_bytes(self):
        self.assertEqual(spelling.encode("\ud800"), b'"\xed\xa0\x80"')
        self.assertEqual(spelling.decode(b'"\xed\xa0\x80"'), "\ud800")

    def test_lone_escapes_are_refused_and_pairs_are_not(self):
        self.assertEqual(spelling.decode(b'"\\ud83d\\ude00"'), "😀")
        self.assertEqual(spelling.decode(b'"\\\\ud800"'), "\\ud800")
        for text in (b'"\\ud800"', b'"\\udc00"', b'"\\ud800x"', b'"\\\\\\ud800"'):
            with self.assertRaises(spelling.BadJson):
                spelling.decode(text)

    def test_members_are_sorted_bytewise(self):
        self.assertEqual(spelling.spell({"é": 1.0, "z": 2.0, "": 3.0, "Z": [], "\U0001f600": None,
                                         "\ufffd": True}),
                         '{"":3,"Z":[],"z":2,"é":1,"\ufffd":true,"😀":null}')

    def test_a_name_given_twice_is_refused(self):
        with self.assertRaises(spelling.TwiceNamed):
            spelling.decode(b'{"a":1,"a":1}')


class Order(unittest.TestCase):
    def test_types_in_the_server_s_order(self):
        ordered = [[], [1.0], [1.0, "a"], [2.0], ["a"], False, True, -1e300, -1.0, 0.0, 0.5, 1.0,
                   values.make_binary(b""), values.make_binary(b"\0"), values.make_binary(b"a"),
                   values.make_time(-5.0), values.make_time(5.0), "", "1", "B", "a", "é", "漢", "😀"]
        keys = [values.order_key(value) for value in ordered]
        self.assertEqual(keys, sorted(keys))
        self.assertEqual(len(set(keys)), len(keys))

    def test_equal_keys(self):
        self.assertEqual(values.order_key(0.0), values.order_key(-0.0))
        self.assertEqual(values.order_key(values.make_time(10.0)),
                         values.order_key(values.make_time(10.0, "+05:00")))
        self.assertNotEqual(values.order_key(1.0), values.order_key(True))
        self.assertNotEqual(values.order_key(1.0), values.order_key("1"))

    def test_edges(self):
        for key, _ in odd.keys():
            self.assertLess(values.order_key(values.MINVAL), values.order_key(key))
            self.assertGreater(values.order_key(values.MAXVAL), values.order_key(key))

    def test_odd_keys_are_all_different(self):
        self.assertEqual(len({values.order_key(key) for key, _ in odd.keys()}), len(odd.keys()))


class PseudoTypes(unittest.TestCase):
    def test_binary_lines(self):
        self.assertEqual(values.make_binary(b"")["data"], "")
        self.assertNotIn("\r\n", values.make_binary(bytes(57))["data"])
        self.assertEqual(values.make_binary(bytes(58))["data"][74:80], "AA\r\nAA")
        self.assertEqual(values.binary_bytes(values.make_binary(bytes(200))), bytes(200))

    def test_time_is_rounded_to_milliseconds(self):
        self.assertEqual(values.make_time(1.23456)["epoch_time"], 1.235)
        self.assertEqual(values.parse_iso8601("2023-11-14T22:13:20.123Z"),
                         values.make_time(1700000000.123))
        self.assertEqual(values.iso8601(values.parse_iso8601("2023-11-14T22:13:20.123-05:30")),
                         "2023-11-14T22:13:20.123-05:30")


if __name__ == "__main__":
    unittest.main()
