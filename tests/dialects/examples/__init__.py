"""Example answers of each API: one module an API or family of APIs, each with its `EXAMPLES`.

They are written by hand from the documentation that the modules name.
"""

from __future__ import annotations

import importlib
import pkgutil

from tests.dialects.example import Example

__all__ = ["EXAMPLES"]

EXAMPLES: list[Example] = [
    example
    for module in pkgutil.iter_modules(__path__)
    for example in importlib.import_module(f"{__name__}.{module.name}").EXAMPLES
]
