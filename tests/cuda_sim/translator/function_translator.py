# SPDX-License-Identifier: Apache-2.0
"""Translates one PTX function to one C++ function: one statement per instruction, goto for branches."""

import table
from lexer import PtxError
from operands import Operands, identifier, storage_type
from syntax import Instruction, Label, Scope


class FunctionTranslator:
    """Looks up names for the instruction translators and collects what the C++ function has to declare."""

    def __init__(self, module, function):
        self.module = module
        self.ptx = function
        self.is_entry = function.is_entry
        self.registers = {}        # (id of scope, PTX name) -> (C++ type, C++ name)
        self.labels = {}           # (id of scope, PTX name) -> C++ name
        self.names = set()         # C++ names in use
        self.arrays = []           # (C++ name, bytes, is local memory)
        self.array_names = {}      # (id of scope, PTX name) -> C++ name
        self.shared_names = []     # shared variables of the module and of this function, in order of use
        self.callees = set()
        self.has_indirect_call = False
        self.uses_carry = False

    # Names.

    def unique(self, name):
        candidate, number = name, 1
        while candidate in self.names:
            number += 1
            candidate = "%s_%d" % (name, number)
        self.names.add(candidate)
        return candidate

    @staticmethod
    def _chain(scope):
        while scope is not None:
            yield scope
            scope = scope.parent

    def register(self, scope, name):
        """(C++ type, C++ name) of a register that is visible in `scope`, or None."""
        for place in self._chain(scope):
            if name in place.registers:
                key = (id(place), name)
                if key not in self.registers:
                    self.registers[key] = (storage_type(place.registers[name]), self.unique("v_" + identifier(name)))
                return self.registers[key]
        return None

    def label(self, scope, name):
        for place in self._chain(scope):
            if name in place.labels:
                key = (id(place), name)
                if key not in self.labels:
                    self.labels[key] = self.unique("label_" + identifier(name))
                return self.labels[key]
        raise PtxError(self.ptx.line, "label %s is not declared in %s" % (name, self.ptx.name))

    def branch_targets(self, scope, name):
        for place in self._chain(scope):
            if name in place.branch_targets:
                return place.branch_targets[name]
        return None

    def variable(self, scope, name):
        """(scope, variable) of a variable that is declared inside the function, or None."""
        for place in self._chain(scope):
            if name in place.variables:
                return place, place.variables[name]
        return None

    def parameter(self, scope, name):
        """(pointer to the bytes, number of bytes) of a .param variable, or None."""
        for list_name, variables in (("parameters", self.ptx.parameters), ("returns", self.ptx.returns)):
            for index, variable in enumerate(variables):
                if variable.name == name:
                    return "%s[%d]" % (list_name, index), variable.num_bytes()
        found = self.variable(scope, name)
        if found and found[1].space == "param":
            return self._array(*found), found[1].num_bytes()
        return None

    def parameter_bytes_name(self):
        return "kParameterBytes_" + identifier(self.ptx.name)

    def _array(self, scope, variable):
        key = (id(scope), variable.name)
        if key not in self.array_names:
            self.array_names[key] = self.unique("%s_%s" % (variable.space, identifier(variable.name)))
            self.arrays.append((self.array_names[key], max(1, variable.num_bytes()), variable.space == "local"))
        return self.array_names[key]

    def symbol(self, scope, name):
        """The address of a variable or function as a u64 (an offset for shared ones), or None."""
        parameter = self.parameter(scope, name)
        if parameter:
            return "reinterpret_cast<u64>(%s)" % parameter[0]
        found = self.variable(scope, name)
        if found and found[1].space == "local":
            return "reinterpret_cast<u64>(%s)" % self._array(*found)
        if found and found[1].space == "shared":
            return self._shared(found[1])
        if name in self.module.shared:
            return self._shared(self.module.shared[name])
        if name in self.module.functions and not self.module.functions[name].is_entry:
            return "reinterpret_cast<u64>(&%s)" % self._function(name)
        return self.module.variable_address(name, "thread.block->device")

    def _shared(self, variable):
        if variable.name not in [other.name for other in self.shared_names]:
            self.shared_names.append(variable)
        return "u64(%s)" % self.module.shared_offset_name(self, variable)

    def _function(self, name):
        self.callees.add(name)
        return self.module.function_name(name)

    def callee(self, scope, name):
        """A C++ expression to call: a function of the module or the function that a register points to."""
        register = self.register(scope, name)
        if register:
            self.has_indirect_call = True
            return "reinterpret_cast<DeviceFunction>(%s)" % register[1]
        function = self.module.functions.get(name)
        return self._function(name) if function is not None and function.body is not None else None

    def site(self, instruction):
        return self.module.site(instruction)

    def note_unknown(self, what):
        self.module.note_unknown(what)

    # Code.

    def translate(self):
        """The C++ function as a list of lines, head and declarations included."""
        statements = self._scope(self.ptx.body)
        lines = [self.module.signature(self.ptx) + " {"]
        by_type = {}
        for cpp_type, name in self.registers.values():
            by_type.setdefault(cpp_type, []).append(name)
        for cpp_type, names in sorted(by_type.items()):
            for start in range(0, len(names), 16):
                lines.append("  %s %s;" % (cpp_type, ", ".join("%s{}" % name for name in names[start:start + 16])))
        if self.uses_carry:
            lines.append("  bool carry = false;")
        for name, num_bytes, is_local in self.arrays:
            lines.append("  alignas(16) unsigned char %s[%d];" % (name, num_bytes))
            if is_local:
                lines.append("  LocalMemory frame_%s(thread, %s, %d);" % (name, name, num_bytes))
        return lines + statements + ["}"]

    def _scope(self, scope):
        lines = []
        for item in scope.items:
            if isinstance(item, Scope):
                lines += self._scope(item)
            elif isinstance(item, Label):
                lines.append("%s:;" % self.label(scope, item.name))
            else:
                lines.append("  " + self._instruction(scope, item))
        return lines

    def _instruction(self, scope, instruction: Instruction):
        found = table.find(instruction.mnemonic)
        if found is None:
            self.note_unknown(instruction.mnemonic)
            body = "report_unsupported(thread, \"%s\", %s);" % (instruction.mnemonic, self.site(instruction))
            return self._guarded(scope, instruction, body)
        form, modifiers = found
        if form.opcode in ("addc", "subc", "madc") or modifiers.get("cc"):
            self.uses_carry = True
        operands = Operands(self, scope, instruction, form.opcode, modifiers)
        body = form.handler(operands)
        operands.check_all_used()
        return self._guarded(scope, instruction, body)

    def _guarded(self, scope, instruction, body):
        if instruction.guard is None:
            return "{ %s }" % body
        register = self.register(scope, instruction.guard.text)
        if register is None or register[0] != "bool":
            raise PtxError(instruction.line, "%s is no predicate" % instruction.guard.text)
        return "if (%s%s) { %s }" % ("!" if instruction.guard_negated else "", register[1], body)
