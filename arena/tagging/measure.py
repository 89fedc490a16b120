"""Measure the rules on labelled texts: `python -m arena.tagging.measure PROMPTS ANSWERS` writes `accuracy.json`."""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

from arena.languages import detect_language
from arena.tagging.accuracy import ACCURACY_FILE
from arena.tagging.classifier import LABELS
from arena.tagging.labelled import (
    LabelledAnswer,
    LabelledPrompt,
    read_labelled_answers,
    read_labelled_prompts,
)
from arena.tagging.prompts import CRITERIA, HARD_CRITERIA, tag_prompt
from arena.tagging.refusals import is_refusal

FEWEST_OF_LANGUAGE: Final = 10
"""A language with fewer labelled prompts gets no figures of its own."""


def measure(prompts: Sequence[LabelledPrompt], answers: Sequence[LabelledAnswer]) -> dict[str, Any]:
    """Precision and recall of every tag that is judged from text; of prompts unlike the training also apart."""
    refused = [frozenset({"refusal"} if answer.refusal else ()) for answer in answers]
    found = [frozenset({"refusal"} if is_refusal(answer.answer) else ()) for answer in answers]
    tags = _of_prompts(prompts) | {"refusal": compare(refused, found, "refusal")} | _of_languages(prompts)
    unlike = [prompt for prompt in prompts if prompt.unlike_training]
    return {
        "prompts": len(prompts),
        "answers": len(answers),
        "tags": tags,
        "unlike_training": _of_prompts(unlike),
    }


def _of_prompts(prompts: Sequence[LabelledPrompt]) -> dict[str, dict[str, float | None]]:
    deserved = [_deserved(prompt) for prompt in prompts]
    given = [tag_prompt(prompt.prompt) for prompt in prompts]
    return {tag: compare(deserved, given, tag) for tag in (*LABELS, "hard-prompt")}


def _deserved(prompt: LabelledPrompt) -> frozenset[str]:
    hard = len(prompt.labels & CRITERIA) >= HARD_CRITERIA
    return prompt.labels | {"hard-prompt"} if hard else prompt.labels


def _of_languages(prompts: Sequence[LabelledPrompt]) -> dict[str, dict[str, float | None]]:
    spoken = [frozenset({prompt.language}) for prompt in prompts]
    detected = [frozenset({detect_language(prompt.prompt) or ""}) for prompt in prompts]
    languages = sorted({prompt.language for prompt in prompts})
    return {
        f"language:{language}": compare(spoken, detected, language)
        for language in languages
        if spoken.count(frozenset({language})) >= FEWEST_OF_LANGUAGE
    }


def compare(
    deserved: Sequence[frozenset[str]], given: Sequence[frozenset[str]], tag: str
) -> dict[str, float | None]:
    """Precision and recall of one tag, over sets of tags deserved and given in the same order."""
    positive, tagged = (sum(tag in labels for labels in sets) for sets in (deserved, given))
    both = sum(tag in true and tag in said for true, said in zip(deserved, given, strict=True))
    return {
        "precision": round(both / tagged, 3) if tagged else None,
        "recall": round(both / positive, 3) if positive else None,
        "labelled": len(deserved),
        "positive": positive,
    }


def write(measured: Mapping[str, Any]) -> str:
    """The text of the file, a tag a line."""
    parts = [f'  "{name}": {json.dumps(measured[name])}' for name in ("prompts", "answers")]
    for name in ("tags", "unlike_training"):
        lines = (f"    {json.dumps(tag)}: {json.dumps(found)}" for tag, found in measured[name].items())
        parts.append(f'  "{name}": {{\n' + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: Sequence[str]) -> None:
    """Measure on the two files named, and write the result into the package."""
    if len(arguments) != 2:
        sys.exit("Name two files: labelled prompts and labelled answers.")
    prompts, answers = map(Path, arguments)
    text = write(measure(read_labelled_prompts(prompts), read_labelled_answers(answers)))
    Path(str(resources.files("arena.tagging").joinpath(ACCURACY_FILE))).write_text(text, encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
