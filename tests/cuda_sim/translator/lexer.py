# SPDX-License-Identifier: Apache-2.0
"""Splits PTX text into tokens that know their line."""

import collections
import re

Token = collections.namedtuple("Token", "kind text line")


class PtxError(Exception):
    """The text is not PTX as this translator knows it; the message starts with the line."""

    def __init__(self, line, message):
        super().__init__("ptx line %d: %s" % (line, message))


# Order matters: hexadecimal floats (0f3F800000) before integers, names last. A name takes in dots and
# double colons (`ld.shared::cta.b32`, `%tid.x`), but not the single colon after a label; a directive is one word, so that
# `.reg.b32` is two.
_PATTERNS = [
    ("space", r"[ \t\r]+"),
    ("newline", r"\n"),
    ("comment", r"//[^\n]*|/\*.*?\*/"),
    ("string", r'"(?:[^"\\]|\\.)*"'),
    ("float", r"0[fF][0-9a-fA-F]{8}\b|0[dD][0-9a-fA-F]{16}\b|\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+\b"),
    ("int", r"0[xX][0-9a-fA-F]+U?|0[bB][01]+U?|\d+U?\b"),
    ("name", r"\.[\w$]+|[%$A-Za-z_][\w$]*(?:(?:\.|::)[\w$]+)*"),
    ("punct", r"[{}()\[\],;:+\-|!@<>=~*]"),
]
_LEXER = re.compile("|".join("(?P<%s>%s)" % pattern for pattern in _PATTERNS), re.DOTALL)


def tokenize(text):
    """The tokens of `text`, ended by one token of kind "end"."""
    tokens = []
    line = 1
    position = 0
    while position < len(text):
        match = _LEXER.match(text, position)
        if not match:
            raise PtxError(line, "cannot read %r" % text[position:position + 20])
        kind = match.lastgroup
        if kind not in ("space", "newline", "comment"):
            tokens.append(Token(kind, match.group(), line))
        line += match.group().count("\n")
        position = match.end()
    tokens.append(Token("end", "", line))
    return tokens
