"""bench: every workload passes its own check on a right malloc, and fails on a broken one."""
import os
import unittest

from harness import bench

BROKEN = os.environ.get("ASHLAR_BROKEN_MALLOC", "")


class Workloads(unittest.TestCase):
    def test_every_workload_passes_under_every_installed_malloc(self):
        done = bench("malloc", "--rounds", "1", "--scale", "0.02", "--no-instructions")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("FAILED", done.stderr)

    @unittest.skipUnless(BROKEN, "ctest says where the broken malloc is")
    def test_every_kind_of_broken_malloc_is_noticed(self):
        for defect, workload in (("twice", "alloc_test"), ("overlap", "alloc_test"), ("misaligned", "alloc_test"),
                                 ("null", "sh6"), ("realloc", "realloc_vector"), ("realloc", "espresso")):
            with self.subTest(defect=defect, workload=workload):
                for _ in range(5):  # the defect happens once: now and then to a block that is freed before anyone looks at it
                    done = bench("malloc", "--rounds", "1", "--scale", "0.1", "--peers", "glibc", "--only", workload,
                                 "--add", f"broken={BROKEN}", BROKEN_MALLOC=defect)
                    if done.returncode != 0:
                        break
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(f"FAILED {workload} under broken", done.stderr)

    @unittest.skipUnless(BROKEN, "ctest says where the broken malloc is")
    def test_without_a_defect_the_same_library_passes(self):
        done = bench("malloc", "--rounds", "1", "--scale", "0.1", "--peers", "glibc", "--only", "alloc_test,espresso",
                     "--add", f"sound={BROKEN}")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
