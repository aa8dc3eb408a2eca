# SPDX-License-Identifier: Apache-2.0
"""What a PTX module consists of, as the parser delivers it."""

import dataclasses
from typing import Dict, List, Optional, Union

TYPE_BYTES = {
    "b8": 1, "u8": 1, "s8": 1,
    "b16": 2, "u16": 2, "s16": 2, "f16": 2, "bf16": 2,
    "b32": 4, "u32": 4, "s32": 4, "f32": 4, "f16x2": 4, "bf16x2": 4, "u16x2": 4, "s16x2": 4,
    "b64": 8, "u64": 8, "s64": 8, "f64": 8, "f32x2": 8,
    "b128": 16, "u128": 16,
}


@dataclasses.dataclass
class Name:
    """A register, a variable, a label, a function, a special register or `_`."""
    text: str


@dataclasses.dataclass
class Number:
    text: str     # with its sign
    is_float: bool


@dataclasses.dataclass
class Memory:
    """[base + offset]; `base` is a Name or a Number."""
    base: Union[Name, Number]
    offset: int


@dataclasses.dataclass
class Group:
    """{a, b} of vectors and mma fragments, (a, b) of calls."""
    items: list


@dataclasses.dataclass
class Pair:
    """p|q, the two results of setp and of shfl."""
    first: Name
    second: Name


@dataclasses.dataclass
class Not:
    """!p"""
    name: Name


@dataclasses.dataclass
class Sum:
    """symbol + offset, in mov and in initialisers; `generic` for generic(symbol), `mask` picks bits of the address."""
    symbol: str
    offset: int
    generic: bool = False
    mask: Optional[int] = None


@dataclasses.dataclass
class Variable:
    space: str               # "global", "const", "shared", "local", "param"
    alignment: int
    type: str
    name: str
    count: Optional[int]     # elements; None: a scalar; 0: an array of unknown size
    initial: list = dataclasses.field(default_factory=list)
    is_extern: bool = False
    line: int = 0

    def num_bytes(self):
        return TYPE_BYTES[self.type] * (1 if self.count is None else self.count)


@dataclasses.dataclass
class Location:
    """A `.loc`: `outer` is the place that the code was inlined at."""
    file: int
    line: int
    column: int
    outer: Optional["Location"] = None


@dataclasses.dataclass
class Instruction:
    guard: Optional[Name]
    guard_negated: bool
    mnemonic: str
    operands: list
    line: int                       # in the PTX text
    location: Optional[Location]    # in the source


@dataclasses.dataclass
class Label:
    name: str


@dataclasses.dataclass
class Scope:
    parent: Optional["Scope"]
    registers: Dict[str, str] = dataclasses.field(default_factory=dict)      # name -> type
    variables: Dict[str, Variable] = dataclasses.field(default_factory=dict)
    labels: List[str] = dataclasses.field(default_factory=list)
    branch_targets: Dict[str, List[str]] = dataclasses.field(default_factory=dict)
    items: list = dataclasses.field(default_factory=list)                    # Instruction, Label, Scope


@dataclasses.dataclass
class Function:
    name: str
    is_entry: bool
    returns: List[Variable]
    parameters: List[Variable]
    body: Optional[Scope]        # None: a declaration
    max_threads: int             # 0: not stated
    line: int


@dataclasses.dataclass
class Module:
    target: str
    files: Dict[int, str]
    variables: List[Variable]
    functions: List[Function]
