"""The unwinder inside python: through its interpreter, ctypes, libffi and callbacks, each stack is libunwind's."""
import ctypes
import os
import unittest

LIBRARY = ctypes.CDLL(os.environ["ASHLAR_UNWIND_COMPARE"])
LIBRARY.compare_stacks.restype = ctypes.c_long
LIBRARY.compare_stacks.argtypes = [ctypes.c_long]


class Python(unittest.TestCase):
    def whole(self, least):
        frames = LIBRARY.compare_stacks(0)
        self.assertGreater(frames, least)
        return frames

    def test_from_the_interpreter(self):
        for _ in range(3):
            self.whole(8)

    def test_through_classes_generators_and_exceptions(self):
        class Thing:
            def __getattr__(self, name):
                return LIBRARY.compare_stacks(0)
        self.assertGreater(Thing().anything, 10)
        self.assertTrue(all(n > 10 for n in (LIBRARY.compare_stacks(0) for _ in range(5))))
        try:
            raise KeyError
        except KeyError:
            self.whole(8)
        self.assertGreater(sorted([3, 1, 2], key=lambda n: self.whole(10) + n)[0], 0)

    def test_through_a_callback_from_c(self):
        libc = ctypes.CDLL(None)
        numbers = (ctypes.c_int * 5)(3, 1, 2, 5, 4)
        libc.qsort(numbers, 5, 4, LIBRARY.compare_for_sort)
        self.assertEqual(list(numbers), [1, 2, 3, 4, 5])
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))

        def order(a, b):
            self.whole(15)
            return b[0] - a[0]
        libc.qsort(numbers, 5, 4, kind(order))
        self.assertEqual(list(numbers), [5, 4, 3, 2, 1])


if __name__ == "__main__":
    unittest.main()
