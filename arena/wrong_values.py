"""What is wrong with a value that an operator wrote, in a settings variable or in a TOML file."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

# Pydantic's own messages speak of inputs and parsing, which are no words of somebody who edits a file.
_WRONG: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "int_type": "must be a whole number, not {input!r}",
    "int_parsing": "must be a whole number, not {input!r}",
    "int_from_float": "must be a whole number, not {input!r}",
    "float_type": "must be a number, not {input!r}",
    "float_parsing": "must be a number, not {input!r}",
    "finite_number": "must be a finite number, not {input!r}",
    "bool_type": "must be true or false, not {input!r}",
    "bool_parsing": "must be true or false, not {input!r}",
    "greater_than": "must be greater than {gt:g}, not {input!r}",
    "greater_than_equal": "must be {ge:g} or more, not {input!r}",
    "less_than": "must be less than {lt:g}, not {input!r}",
    "less_than_equal": "must be {le:g} or less, not {input!r}",
    "literal_error": "must be {expected}, not {input!r}",
    "string_type": "must be text in quotes",
    "too_short": "must not be shorter than {min_length}",
    "too_long": "must not be longer than {max_length}",
    "string_too_short": "must not be shorter than {min_length} characters",
    "string_too_long": "must not be longer than {max_length} characters",
    "string_pattern_mismatch": "is not of the form {pattern}",
    "path_type": "must be a path in quotes",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "value_error": "{error}",
}


def what_is_wrong(problem: ErrorDetails) -> str:
    """What a value must be instead, as the end of a sentence that begins with its place."""
    said = _WRONG.get(problem["type"], "is of a kind that is not allowed here")
    return said.format_map({**problem.get("ctx", {}), "input": problem["input"]})
