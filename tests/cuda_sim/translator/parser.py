# SPDX-License-Identifier: Apache-2.0
"""Builds a Module from PTX text. It knows the language's structure, not its instructions."""

from lexer import PtxError, tokenize
from syntax import (TYPE_BYTES, Function, Group, Instruction, Label, Location, Memory, Module, Name, Not, Number, Pair,
                    Scope, Sum, Variable)

_LINKAGE = (".extern", ".visible", ".weak", ".common")
_SPACES = {".global": "global", ".const": "const", ".shared": "shared", ".local": "local", ".param": "param"}


def parse(text):
    return _Parser(text).module()


def integer(text):
    """The value of an integer literal."""
    return int(text.rstrip("U"), 0) if not _is_octal(text) else int(text.rstrip("U"), 8)


def _is_octal(text):
    digits = text.rstrip("U")
    return len(digits) > 1 and digits[0] == "0" and digits.isdigit()


class _Parser:
    def __init__(self, text):
        self.tokens = tokenize(text)
        self.position = 0
        self.location = None
        self.locations = {}      # (file, line, column) -> Location, to follow chains of inlining

    # Tokens.

    @property
    def next(self):
        return self.tokens[self.position]

    def at(self, text):
        return self.next.text == text and self.next.kind != "string"

    def take(self):
        token = self.next
        self.position += 1
        return token

    def accept(self, text):
        if self.at(text):
            self.position += 1
            return True
        return False

    def expect(self, text):
        if not self.accept(text):
            self.fail("expected %r, found %r" % (text, self.next.text))

    def name(self):
        if self.next.kind != "name":
            self.fail("expected a name, found %r" % self.next.text)
        return self.take().text

    def number(self):
        negative = self.accept("-")
        if self.next.kind != "int":
            self.fail("expected an integer, found %r" % self.next.text)
        value = integer(self.take().text)
        return -value if negative else value

    def fail(self, message):
        raise PtxError(self.next.line, message)

    def skip_until(self, text):
        while not self.accept(text):
            if self.next.kind == "end":
                self.fail("%r is missing" % text)
            self.take()

    # The module.

    def module(self):
        module = Module(target="", files={}, variables=[], functions=[])
        while self.next.kind != "end":
            self.module_item(module)
        return module

    def module_item(self, module):
        linkage = None
        while self.next.text in _LINKAGE:
            linkage = self.take().text
        word = self.next.text
        if word in (".entry", ".func"):
            module.functions.append(self.function())
        elif word in _SPACES:
            module.variables += self.variables(linkage == ".extern")
        elif word == ".target":
            self.take()
            module.target = self.name()
            while self.accept(","):
                self.name()
        elif word == ".version":
            self.take()
            self.take()
        elif word == ".address_size":
            self.take()
            if self.number() != 64:
                self.fail("only 64-bit addresses are supported")
        elif word == ".file":
            self.file(module)
        elif word == ".section":
            self.skip_section()
        elif word == ".pragma":
            self.skip_until(";")
        else:
            self.fail("%r is not known at module level" % word)

    def file(self, module):
        self.take()
        index = self.number()
        module.files[index] = self.take().text.strip('"')
        while self.accept(","):      # time stamp and size
            self.number()

    def skip_section(self):
        self.take()
        self.name()
        self.expect("{")
        depth = 1
        while depth:
            text = self.take().text
            depth += (text == "{") - (text == "}")

    # Variables.

    def variables(self, is_extern):
        """One declaration; it may name several variables."""
        line = self.next.line
        space = _SPACES[self.take().text]
        alignment, lanes = 0, 1
        while self.next.text in (".align", ".v2", ".v4", ".attribute", ".ptr") or self.next.text in _SPACES:
            word = self.take().text
            if word == ".align":
                alignment = self.number()
            elif word in (".v2", ".v4"):
                lanes = int(word[2:])
            elif word == ".attribute":
                self.skip_until(")")
        type_name = self.name()[1:]
        # A kernel's pointer parameter says what it points to behind its type: .u64 .ptr .global .align 4 x
        while self.next.text in (".ptr", ".align") or self.next.text in _SPACES:
            if self.take().text == ".align":
                self.number()
        result = []
        while True:
            name = self.name()
            count = None if lanes == 1 else lanes
            while self.accept("["):
                size = 0 if self.at("]") else self.number()
                self.expect("]")
                count = size * (1 if count is None else count)
            initial = self.initialiser() if self.accept("=") else []
            alignment = alignment or TYPE_BYTES[type_name] * lanes
            result.append(Variable(space, alignment, type_name, name, count, initial, is_extern, line))
            if space == "param" or not self.accept(","):
                break
        if space != "param":
            self.expect(";")
        return result

    def initialiser(self):
        """The values of an initialiser, nested braces flattened: Number or Sum."""
        if self.accept("{"):
            values = []
            while not self.accept("}"):
                values += self.initialiser()
                self.accept(",")
            return values
        if self.next.kind == "name":
            symbol = self.name()
            generic = symbol == "generic" and self.accept("(")
            if generic:
                symbol = self.name()
                self.expect(")")
            return [Sum(symbol, self.offset(), generic)]
        value = self.literal()
        if self.accept("("):      # mask(symbol): one byte of an address
            masked = self.initialiser()[0]
            self.expect(")")
            masked.mask = integer(value.text)
            return [masked]
        return [value]

    def literal(self):
        sign = "-" if self.accept("-") else ""
        if self.next.kind not in ("int", "float"):
            self.fail("expected a number, found %r" % self.next.text)
        token = self.take()
        return Number(sign + token.text, token.kind == "float")

    def offset(self):
        """+4, -4, +-4 or nothing."""
        if self.accept("+"):
            return self.number()
        return self.number() if self.at("-") else 0

    # Functions.

    def function(self):
        line = self.next.line
        is_entry = self.take().text == ".entry"
        self.accept(".noreturn")
        returns = self.parameters() if self.at("(") else []
        name = self.name()
        parameters = self.parameters() if self.at("(") else []
        max_threads = 0
        while not self.at("{") and not self.at(";"):
            directive = self.name()
            if directive in (".maxntid", ".reqntid"):
                max_threads = self.number()
                while self.accept(","):
                    max_threads *= self.number()
            elif directive in (".minnctapersm", ".maxnreg", ".maxnctapersm"):
                self.number()
            elif directive == ".pragma":
                self.skip_until(";")
            elif directive != ".noreturn":
                self.fail("%r is not known in a function's header" % directive)
        body = None
        if not self.accept(";"):
            self.location = None
            body = self.scope(None)
        return Function(name, is_entry, returns, parameters, body, max_threads, line)

    def parameters(self):
        self.expect("(")
        result = []
        while not self.accept(")"):
            if self.next.text != ".param":
                self.fail("only .param parameters are supported, found %r" % self.next.text)
            result += self.variables(False)
            self.accept(",")
        return result

    def scope(self, parent):
        self.expect("{")
        scope = Scope(parent)
        while not self.accept("}"):
            self.statement(scope)
        return scope

    def statement(self, scope):
        word = self.next.text
        if word == ";":
            self.take()
        elif word == "{":
            scope.items.append(self.scope(scope))
        elif word == ".loc":
            self.loc()
        elif word == ".reg":
            self.registers(scope)
        elif word in (".local", ".shared", ".param", ".global", ".const"):
            for variable in self.variables(False):
                scope.variables[variable.name] = variable
            self.accept(";")
        elif word in (".pragma",):
            self.skip_until(";")
        elif self.next.kind == "name" and self.tokens[self.position + 1].text == ":":
            self.label(scope)
        else:
            scope.items.append(self.instruction())

    def loc(self):
        self.take()
        key = (self.number(), self.number(), self.number())
        outer = None
        while self.accept(","):
            word = self.name()
            if word == "function_name":
                self.name()
                self.offset()
            elif word == "inlined_at":
                outer_key = (self.number(), self.number(), self.number())
                outer = self.locations.get(outer_key) or Location(*outer_key)
            else:
                self.fail("%r is not known in .loc" % word)
        self.location = Location(*key, outer)
        self.locations[key] = self.location

    def registers(self, scope):
        self.take()
        type_name = self.name()[1:]
        while True:
            name = self.name()
            if self.accept("<"):
                for index in range(self.number()):
                    scope.registers["%s%d" % (name, index)] = type_name
                self.expect(">")
            else:
                scope.registers[name] = type_name
            if not self.accept(","):
                break
        self.expect(";")

    def label(self, scope):
        name = self.name()
        self.expect(":")
        if self.at(".branchtargets"):
            self.take()
            scope.branch_targets[name] = [self.name()]
            while self.accept(","):
                scope.branch_targets[name].append(self.name())
            self.expect(";")
        elif self.next.text in (".callprototype", ".calltargets"):
            self.skip_until(";")
        else:
            scope.labels.append(name)
            scope.items.append(Label(name))

    def instruction(self):
        line = self.next.line
        guard, negated = None, False
        if self.accept("@"):
            negated = self.accept("!")
            guard = Name(self.name())
        mnemonic = self.name()
        operands = []
        while not self.accept(";"):
            operands.append(self.operand())
            if not self.at(";"):
                self.expect(",")
        return Instruction(guard, negated, mnemonic, operands, line, self.location)

    def operand(self):
        if self.at("{") or self.at("("):
            closing = "}" if self.take().text == "{" else ")"
            items = []
            while not self.accept(closing):
                items.append(self.operand())
                self.accept(",")
            return Group(items)
        if self.accept("["):
            base = Name(self.name()) if self.next.kind == "name" else self.literal()
            memory = Memory(base, self.offset())
            self.expect("]")
            return memory
        if self.accept("!"):
            return Not(Name(self.name()))
        if self.next.kind != "name":
            return self.literal()
        name = self.name()
        if self.accept("|"):
            return Pair(Name(name), Name(self.name()))
        offset = self.offset()
        return Sum(name, offset) if offset else Name(name)
