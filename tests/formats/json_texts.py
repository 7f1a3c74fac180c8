"""Strategies of JSON text as producers may write it: what a decoder and an encoder together would not keep."""

from hypothesis import strategies as st

_SPACE = st.sampled_from(["", "", " ", "\t", "\r", " \t "])
_PIECES = st.sampled_from(
    [
        "a",
        "\u00e9",
        "\u2028",
        "\u0085",
        "\U0001f4a5",
        "{",
        "}",
        "[",
        ",",
        '\\"',
        "\\\\",
        "\\/",
        "\\n",
        "\\u0000",
        "\\u00e9",
        "\\ufffd",
        "\\ud800",
        "\\uDFFF",
        "\\ud83d\\ude00",
        "ud800",
    ]
)
_STRINGS = st.lists(_PIECES, max_size=6).map(lambda pieces: f'"{"".join(pieces)}"')
_NUMBERS = st.sampled_from(
    ["0", "-0", "1.0", "1e0", "1E+2", "1e400", "-1e400", "1e-400", "9007199254740993", "9" * 400]
)
_LITERALS = st.sampled_from(["null", "true", "false"])


def _array(members: list[str], space: str) -> str:
    return f"[{space}{f'{space},'.join(members)}{space}]"


def _object(members: list[tuple[str, str]], space: str) -> str:
    return f"{{{space}{f'{space},'.join(f'{name}{space}:{space}{value}' for name, value in members)}{space}}}"


values = st.recursive(
    _STRINGS | _NUMBERS | _LITERALS,
    lambda inner: (
        st.builds(_array, st.lists(inner, max_size=3), _SPACE)
        | st.builds(_object, st.lists(st.tuples(_STRINGS, inner), max_size=3), _SPACE)
    ),
    max_leaves=6,
)
_NAMES = _STRINGS | st.sampled_from(['"id"', '"timestamp"', '"partitionKey"', '"same"', '"event"', '"\\u0074ags"'])


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """A JSON object with a type, and white space around it; names may repeat, the type may stand anywhere."""
    members = draw(st.lists(st.tuples(_NAMES, values), max_size=4))
    members.insert(draw(st.integers(0, len(members))), ('"type"', '"thing-created"'))
    return (draw(_SPACE) + _object(members, draw(_SPACE)) + draw(_SPACE)).encode()
