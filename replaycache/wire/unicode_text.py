"""Texts that are Unicode, and can be written."""

from __future__ import annotations


def is_unicode(text: str) -> bool:
    """Whether a text can be encoded: it has no lone surrogate, such as stands for a byte of a command line that
    is no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
