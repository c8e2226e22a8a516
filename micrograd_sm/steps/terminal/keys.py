"""Key presses, from the bytes that a terminal sends."""

from __future__ import annotations

import codecs

_ESCAPE = 0x1B
_LONGEST = 32  # bytes of an escape sequence
_LETTERS = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"}  # after ESC [ and after ESC O
_NUMBERS = {"1": "home", "7": "home", "4": "end", "8": "end", "5": "page up", "6": "page down"}  # between ESC [ and ~
_CONTROLS = {0x0A: "enter", 0x0D: "enter", 0x08: "backspace", 0x7F: "backspace", 0x0C: "redraw"}


class Keys:
    """The names of the keys that were typed: "right", "home", "enter", or the character itself; other keys are ignored.

    Bytes may arrive in any pieces. A lone ESC may be the start of a sequence, so it is a key only after `waited`.
    """

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    @property
    def unfinished(self) -> bool:
        return bool(self._waiting)

    def feed(self, data: bytes) -> list[str]:
        """Return the keys that these bytes complete."""
        found: list[str] = []
        for byte in data:
            if self._waiting and byte == _ESCAPE:  # a new key ends the sequence before it
                found += self.waited()
            if self._waiting or byte == _ESCAPE:
                self._waiting.append(byte)
                found += self._sequence()
            elif byte in _CONTROLS:
                found.append(_CONTROLS[byte])
            else:
                found += [char for char in self._decoder.decode(bytes([byte])) if char.isprintable()]
        return found

    def waited(self) -> list[str]:
        """Return the ESC key if nothing followed it; drop a sequence that is not complete."""
        alone = self._waiting == bytes([_ESCAPE])
        self._waiting.clear()
        return ["escape"] if alone else []

    def _sequence(self) -> list[str]:
        """Return the key of the waiting sequence, if it is complete; an unknown key is dropped."""
        text = self._waiting.decode("latin-1")
        if len(text) == 1 or text in ("\x1b[", "\x1bO", "\x1b[["):
            return []
        if text[1] == "[" and not "\x40" <= text[-1] <= "\x7e" and len(text) < _LONGEST:
            return []
        self._waiting.clear()
        if text[1] not in "[O":
            return []  # ALT with another key
        first = text[2:-1].partition(";")[0]
        key = _NUMBERS.get(first) if text[-1] == "~" else _LETTERS.get(text[-1])
        return [key] if key else []
