# SPDX-License-Identifier: Apache-2.0
"""The table of instructions: which mnemonics exist, with which modifiers, and who translates them.

A form is written like the PTX manual writes it, the dots left out:

    @instruction("add [round=rn|rz|rm|rp] [ftz] [sat] type=f32")

Words are in the order of the modifiers; `|` separates alternatives, `[]` makes optional, `name=` names the slot.
A mnemonic that matches no form is unknown, so no modifier is ever ignored by accident.
"""

import re


class Slot:
    def __init__(self, text):
        self.optional = text.startswith("[")
        text = text.strip("[]")
        name, equals, values = text.partition("=")
        self.alternatives = (values if equals else text).split("|")
        self.name = name if equals else self.alternatives[0]

    def pattern(self, index):
        body = r"(?P<s%d>%s)" % (index, "|".join(re.escape(value) for value in self.alternatives))
        return r"(?:\.%s)?" % body if self.optional else r"\.%s" % body


class Form:
    """One line of the table."""

    def __init__(self, grammar, handler):
        words = grammar.split()
        self.grammar = grammar
        self.handler = handler
        self.opcode = words[0]
        self.slots = [Slot(word) for word in words[1:]]
        patterns = [slot.pattern(index) for index, slot in enumerate(self.slots)]
        self.pattern = re.compile(re.escape(self.opcode) + "".join(patterns) + "$")

    def match(self, mnemonic):
        """{slot name: modifier or None}, or None where the mnemonic is not of this form."""
        found = self.pattern.match(mnemonic)
        if not found:
            return None
        return {slot.name: found.group("s%d" % index) for index, slot in enumerate(self.slots)}


FORMS = []


def instruction(*grammars):
    """Registers the decorated function as the translation of these forms."""

    def register(handler):
        FORMS.extend(Form(grammar, handler) for grammar in grammars)
        return handler

    return register


def find(mnemonic):
    """(form, modifiers) of a mnemonic, or None. The first form that matches counts."""
    opcode = mnemonic.split(".", 1)[0]
    for form in FORMS:
        if form.opcode == opcode:
            modifiers = form.match(mnemonic)
            if modifiers is not None:
                return form, modifiers
    return None
