"""A reader of GBNF, to see which strings a grammar has: slow, small, and of no engine's code."""

import re

_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)"|\[((?:[^\]\\]|\\.)*)\]|([a-z0-9-]+)|\{(\d+),(\d+)\}|([()|?])|\s+'
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|(.))")


def _unescaped(raw):
    named = {"n": "\n", "r": "\r", "t": "\t"}
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else named.get(m[2], m[2]), raw)


class Gbnf:
    """`accepts(string)`: whether the whole string is one of the grammar."""

    def __init__(self, text):
        self.rules = {}
        for line in text.removesuffix("\n").split("\n"):
            name, body = line.split(" ::= ", 1)
            assert name not in self.rules, f"{name} comes twice"
            tokens = [m for m in self._tokens(body) if not m[0].isspace()]
            self.rules[name], rest = self._choice(tokens)
            assert not rest, rest
        used = {one[1] for rule in self.rules.values() for one in _walk(rule) if one[0] == "rule"}
        assert used <= self.rules.keys(), used - self.rules.keys()
        assert self.rules.keys() <= used | {"root"}, self.rules.keys() - used

    def accepts(self, text):
        return len(text) in self._ends(("rule", "root"), text, 0, {})

    @staticmethod
    def _tokens(body):
        at = 0
        while at < len(body):
            found = _TOKEN.match(body, at)
            assert found, body[at : at + 20]
            yield found
            at = found.end()

    def _choice(self, tokens):
        options = []
        while True:
            sequence = []
            while tokens and tokens[0][6] not in ("|", ")"):
                one, tokens = self._one(tokens)
                sequence.append(one)
            assert sequence, "an empty alternative"
            options.append(("all", tuple(sequence)))
            if not (tokens and tokens[0][6] == "|"):
                return ("any", tuple(options)), tokens
            tokens = tokens[1:]

    def _one(self, tokens):
        found, *tokens = tokens
        if found[6] == "(":
            one, tokens = self._choice(tokens)
            assert tokens[0][6] == ")"
            tokens = tokens[1:]
        elif found[1] is not None:
            one = ("text", _unescaped(found[1]))
        elif found[2] is not None:
            one = self._class(found[2])
        else:
            one = ("rule", found[3])
        if tokens and tokens[0][6] == "?":
            return ("times", one, 0, 1), tokens[1:]
        if tokens and tokens[0][4] is not None:
            return ("times", one, int(tokens[0][4]), int(tokens[0][5])), tokens[1:]
        return one, tokens

    def _class(self, body):
        pattern = _ESCAPE.sub(lambda m: re.escape(_unescaped(m[0])), body)
        return ("class", re.compile(f"[{pattern}]"))

    def _ends(self, one, text, at, seen):
        key = id(one), at
        if one[0] == "rule":
            one = self.rules[one[1]]
            key = id(one), at
        if key not in seen:
            seen[key] = frozenset(self._found(one, text, at, seen))
        return seen[key]

    def _found(self, one, text, at, seen):
        kind, what, *rest = one
        if kind == "text":
            return {at + len(what)} if text.startswith(what, at) else set()
        if kind == "class":
            return {at + 1} if what.match(text, at) else set()
        if kind == "any":
            return {end for option in what for end in self._ends(option, text, at, seen)}
        if kind == "all":
            ends = {at}
            for part in what:
                ends = {end for begin in ends for end in self._ends(part, text, begin, seen)}
            return ends
        least, most = rest
        ends, now = ({at} if least == 0 else set()), {at}
        for number in range(1, most + 1):
            now = {end for begin in now for end in self._ends(what, text, begin, seen)}
            ends |= now if number >= least else set()
            if not now:
                break
        return ends


def _walk(one):
    yield one
    if one[0] in ("any", "all"):
        for part in one[1]:
            yield from _walk(part)
    elif one[0] == "times":
        yield from _walk(one[1])
