#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the translator refuses, what it lists, and how it lays out shared memory."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "translator")]      # Bazel runs it from one folder up
import ptx_to_cpp  # noqa: E402   fills the table
import table  # noqa: E402
from lexer import PtxError  # noqa: E402
from module_translator import ModuleTranslator  # noqa: E402
from parser import parse  # noqa: E402

HEAD = ".version 9.0\n.target sm_90\n.address_size 64\n"


def module(body, declarations="", registers=".reg .b32 %r<9>; .reg .b64 %d<9>; .reg .f32 %f<9>; .reg .pred %p<9>;"):
    return "%s%s\n.visible .entry k(.param .u64 x) {\n%s\n%s\nret;\n}\n" % (HEAD, declarations, registers, body)


def translate(text):
    translator = ModuleTranslator(parse(text), "test.ptx")
    return translator.translate(), translator


class Refusals(unittest.TestCase):
    def refuses(self, text, words):
        with self.assertRaises(PtxError) as caught:
            translate(text)
        self.assertIn(words, str(caught.exception))

    def test_names_that_are_not_declared(self):
        self.refuses(module("mov.u32 %r0, nowhere;"), "nowhere is not declared")
        self.refuses(module("bra nowhere;"), "label nowhere is not declared")
        self.refuses(module("@%q0 mov.u32 %r0, 1;"), "%q0 is no predicate")

    def test_operands_that_do_not_fit(self):
        self.refuses(module("add.u32 %r0, %r1;"), "operand 2 is missing")
        self.refuses(module("add.u32 %r0, %r1, %r2, %r3;"), "4 operands, 3 expected")
        self.refuses(module("ld.global.v4.u32 {%r0, %r1}, [%d0];"), "2 elements, 4 expected")
        self.refuses(module("add.f32 %f0, %p0, %f1;"), "no substitutes")
        self.refuses(module("add.f64 %f0, %f1, %f2;"), "is read as f64")
        self.refuses(module("cp.async.cg.shared.global [%r0], [%d0], 8;"), "8 bytes cannot be copied")
        self.refuses(module("ld.param.u64 %d0, [x+4];"), "bytes 4 to 12 of x")

    def test_text_that_is_not_ptx(self):
        self.refuses(module("mov.u32 %r0 %r1;"), "expected ','")
        self.refuses(HEAD + ".surprise 5;", "'.surprise' is not known")
        self.refuses(HEAD + "#include", "cannot read")
        self.refuses(HEAD.replace("64", "32"), "64-bit addresses")

    def test_errors_name_the_line(self):
        self.refuses(module("add.u32 %r0, %r1;"), "ptx line 7: add.u32")


class UnknownInstructions(unittest.TestCase):
    def test_are_listed_and_become_errors(self):
        text, translator = translate(module("frobnicate.u32 %r0, %r1; frobnicate.u32 %r0, %r1;"))
        self.assertEqual(dict(translator.unknown), {"frobnicate.u32": 2})
        self.assertEqual(text.count('report_unsupported(thread, "frobnicate.u32"'), 2)

    def test_a_modifier_that_no_form_has_makes_an_instruction_unknown(self):
        for mnemonic in ("add.fast.f32", "add.sat.u32", "mul.wide.u64", "shfl.up.b32", "ld.global.u128", "vote.all.pred"):
            self.assertIsNone(table.find(mnemonic), mnemonic)

    def test_the_program_lists_them(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "a.ptx"), os.path.join(folder, "a.cc")
            with open(source, "w") as file:
                file.write(module("frobnicate.u32 %r0, %r1; call missing, (%r0);"
                                  .replace("call missing, (%r0);", "{ .param .b32 p; call missing, (p); }")))
            run = subprocess.run([sys.executable, ptx_to_cpp.__file__, source, target],
                                 stderr=subprocess.PIPE, universal_newlines=True)
            self.assertEqual(run.returncode, 0)
            self.assertIn("no translation of frobnicate.u32 (1 times)", run.stderr)
            self.assertIn("no translation of call of missing (1 times)", run.stderr)
            with open(source, "w") as file:
                file.write("no ptx")
            run = subprocess.run([sys.executable, ptx_to_cpp.__file__, source, target],
                                 stderr=subprocess.PIPE, universal_newlines=True)
            self.assertEqual(run.returncode, 1)
            self.assertIn("error: ", run.stderr)


class SharedLayout(unittest.TestCase):
    ARRAYS = (".shared .align 4 .b8 first[20];\n.shared .align 4 .b32 second;\n.shared .align 128 .b8 third[64];\n"
              ".extern .shared .align 16 .b8 dynamic[];\n")

    def test_arrays_stand_apart_and_no_better_aligned_than_they_ask(self):
        text, _ = translate(module("mov.u32 %r0, first; mov.u32 %r0, second; mov.u32 %r0, third; mov.u32 %r0, dynamic;",
                                   self.ARRAYS))
        self.assertIn('{"first", 16, 20}, {"second", 80, 4}, {"third", 128, 64}', text)
        # 20 + 4 bytes, then the next multiple of 128 and 64 bytes; dynamic memory at an odd multiple of 16.
        self.assertIn("3, 192, 208, 0, 0}", text)

    def test_helpers_have_one_place_for_all_kernels(self):
        helper = ".func f() { .reg .b32 %r; mov.u32 %r, third; ret; }\n"
        text, _ = translate(module("mov.u32 %r0, first; call f;", self.ARRAYS + helper) +
                            ".visible .entry k2() { .reg .b32 %r; mov.u32 %r, second; call f; ret; }")
        self.assertIn("kShared_f_third = 128", text)
        self.assertEqual(text.count('{"third", 128, 64}'), 2)


class SourceLines(unittest.TestCase):
    def test_inlined_calls_and_sandbox_paths(self):
        text, _ = translate(module(".loc 1 20 3\n.loc 2 7 1, function_name s, inlined_at 1 20 3\nst.global.u32 [%d0], %r0;") +
                            '.file 1 "/a/sandbox/5/execroot/assay/kernels/x.cu"\n.file 2 "/usr/include/helper.h"\n')
        self.assertIn('{"/usr/include/helper.h", 7, 9, &kCallSites[0]}', text)
        self.assertIn('{"kernels/x.cu", 20, 0, nullptr}', text)


if __name__ == "__main__":
    unittest.main()
