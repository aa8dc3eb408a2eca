# SPDX-License-Identifier: Apache-2.0
"""Translates a PTX module to a C++ file that registers its kernels and variables with the simulator."""

import collections
import os
import re
import struct

import shared_layout
from function_translator import FunctionTranslator
from lexer import PtxError
from operands import identifier
from parser import integer
from syntax import TYPE_BYTES, Sum

_FLOAT_FORMAT = {"f32": "<f", "f64": "<d"}


class ModuleTranslator:
    """Module-wide names and the parts of the C++ file."""

    def __init__(self, module, ptx_name):
        self.ptx = module
        self.ptx_name = ptx_name
        self.functions = {}
        for function in module.functions:      # a definition counts more than a declaration
            if function.name not in self.functions or function.body is not None:
                self.functions[function.name] = function
        self.shared = {v.name: v for v in module.variables if v.space == "shared"}
        self.variables = {v.name: v for v in module.variables if v.space in ("global", "const") and not v.is_extern}
        self.unknown = collections.Counter()
        self.sites = []
        self.call_sites = []
        self.call_site_index = {}

    # Names that functions ask for.

    @staticmethod
    def function_name(name):
        return "function_" + identifier(name)

    @staticmethod
    def shared_offset_name(function, variable):
        """A constant: of the function for its own arrays, of the module for those that .func code shares."""
        return "kShared_%s_%s" % (identifier(function.ptx.name), identifier(variable.name))

    def variable_address(self, name, device):
        return "variable_%s.address[%s]" % (identifier(name), device) if name in self.variables else None

    def signature(self, function):
        if function.is_entry:
            return "void kernel_%s(Thread& thread, const unsigned char* const* parameters)" % identifier(function.name)
        return ("void %s(Thread& thread, unsigned char* const* returns, unsigned char* const* parameters)" %
                self.function_name(function.name))

    def note_unknown(self, what):
        self.unknown[what] += 1

    # Source lines.

    def site(self, instruction):
        location = instruction.location
        if location is None:
            entry = (self.ptx_name, instruction.line, instruction.line, None)
        else:
            entry = (self._file(location.file), location.line, instruction.line, self._call_site(location.outer))
        self.sites.append(entry)
        return "&kSites[%d]" % (len(self.sites) - 1)

    def _call_site(self, location):
        if location is None:
            return None
        entry = (self._file(location.file), location.line, 0, self._call_site(location.outer))
        if entry not in self.call_site_index:
            self.call_site_index[entry] = len(self.call_sites)
            self.call_sites.append(entry)
        return self.call_site_index[entry]

    def _file(self, index):
        """The path within the workspace: Bazel's sandbox is no place to remember."""
        path = self.ptx.files.get(index, "file %d" % index)
        return re.sub(r"^.*/execroot/[^/]+/", "", os.path.normpath(path))

    # The file.

    def translate(self):
        """The C++ text."""
        translated = {}
        for function in self.functions.values():
            if function.body is not None:
                translator = FunctionTranslator(self, function)
                translated[function.name] = (translator, translator.translate())
        layouts = shared_layout.arrange([pair[0] for pair in translated.values()], self.shared)
        lines = ["// Made by tests/cuda_sim/translator from %s for %s." % (self.ptx_name, self.ptx.target),
                 '#include "tests/cuda_sim/ptx/ptx.h"', "", "namespace assay::cuda_sim::ptx {", "namespace {", ""]
        lines += self._site_lines()
        for name in self.variables:
            lines.append("extern ModuleVariable variable_%s;" % identifier(name))
        lines += [self.signature(pair[0].ptx) + ";" for pair in translated.values()]
        lines += layouts.constants
        for translator, _ in translated.values():
            if translator.is_entry:
                sizes = ", ".join(str(parameter.num_bytes()) for parameter in translator.ptx.parameters)
                lines.append("const u32 %s[] = {%s};" % (translator.parameter_bytes_name(), sizes or "0"))
        lines += self._variable_lines()
        for _, code in translated.values():
            lines += [""] + code
        for translator, _ in translated.values():
            if translator.is_entry:
                lines += self._registration(translator.ptx, layouts.kernels[translator.ptx.name])
        lines += ["", "}  // namespace", "}  // namespace assay::cuda_sim::ptx", ""]
        return "\n".join(lines)

    def _site_lines(self):
        lines = []
        # Call sites point at each other.
        lines.append("extern const SourceLine kCallSites[];")
        for name, entries in (("kCallSites", self.call_sites), ("kSites", self.sites)):
            lines.append("const SourceLine %s[] = {" % name)
            for file, line, ptx_line, outer in entries or [("", 0, 0, None)]:
                pointer = "nullptr" if outer is None else "&kCallSites[%d]" % outer
                lines.append("    {%s, %d, %d, %s}," % (c_string(file), line, ptx_line, pointer))
            lines.append("};")
        return lines

    def _variable_lines(self):
        lines = []
        for name, variable in self.variables.items():
            cpp_name = identifier(name)
            initialise = "nullptr"
            if variable.initial:
                initialise = "initialise_" + cpp_name
                lines += self._initialiser(variable, initialise)
            lines.append("ModuleVariable variable_%s = {%s, %d, %d, %s, %s, {}};" % (
                cpp_name, c_string(name), max(1, variable.num_bytes()), variable.alignment,
                "true" if variable.space == "const" else "false", initialise))
            lines.append("const int registered_%s = (register_variable(&variable_%s), 0);" % (cpp_name, cpp_name))
        return lines

    def _initialiser(self, variable, name):
        size = TYPE_BYTES[variable.type]
        content, addresses = bytearray(), []
        for index, value in enumerate(variable.initial):
            if isinstance(value, Sum):
                addresses.append(self._address_line(variable, value, index * size, size))
                content += bytes(size)
            else:
                content += _encode(variable.type, value)
        lines = ["void %s(unsigned char* bytes, int device) {" % name, "  (void)device;",
                 "  static const unsigned char kBytes[] = {%s};" % ", ".join(str(byte) for byte in content),
                 "  std::memcpy(bytes, kBytes, sizeof kBytes);"]
        return lines + addresses + ["}"]

    def _address_line(self, variable, value, offset, size):
        if value.symbol in self.functions:
            address = "reinterpret_cast<u64>(&%s)" % self.function_name(value.symbol)
        else:
            address = self.variable_address(value.symbol, "device")
        if address is None:
            raise PtxError(variable.line, "%s in an initialiser is not declared" % value.symbol)
        address = "(%s + %d)" % (address, value.offset)
        if value.mask is not None:
            shift = (value.mask & -value.mask).bit_length() - 1
            address = "((%s & 0x%xull) >> %d)" % (address, value.mask, shift)
        return "  store_param<u%d>(bytes + %d, static_cast<u%d>(%s));" % (8 * size, offset, 8 * size, address)

    @staticmethod
    def _registration(function, layout):
        cpp_name = identifier(function.name)
        arrays = ", ".join("{%s, %d, %d}" % (c_string(name), offset, size) for name, offset, size in layout.arrays)
        return ["",
                "const SharedVariable kSharedVariables_%s[] = {%s};" % (cpp_name, arrays or '{"", 0, 0}'),
                "const Kernel kKernel_%s = {%s, kernel_%s, kParameterBytes_%s, %d, kSharedVariables_%s, %d, %d, %d, %d, 0};"
                % (cpp_name, c_string(function.name), cpp_name, cpp_name, len(function.parameters), cpp_name,
                   len(layout.arrays), layout.static_bytes, layout.dynamic_offset, function.max_threads),
                "const int registered_kernel_%s = (register_kernel(kKernel_%s), 0);" % (cpp_name, cpp_name)]


def _encode(type_name, number):
    """The bytes of one literal in memory."""
    size = TYPE_BYTES[type_name]
    if not number.is_float:
        value = integer(number.text.lstrip("-")) * (-1 if number.text.startswith("-") else 1)
        return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    prefix = number.text[:2].lower()
    if prefix in ("0f", "0d"):
        raw = int(number.text[2:], 16)
        return raw.to_bytes(4 if prefix == "0f" else 8, "little")
    return struct.pack(_FLOAT_FORMAT[type_name], float(number.text))


def c_string(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')
