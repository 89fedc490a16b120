"""What the two models of the browser tests say: the prompt names the answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from arena.gateway.openai_chat import Message
from tests.conftest import ROOT

RICH = """\
# Sorting a list

Quicksort picks a **pivot** and splits the list in two. See [the article](https://example.org/quicksort).

## Steps

1. Choose a pivot.
2. Put what is smaller *before* it.
   - In place, with two indices
   - or into two new lists
3. Sort both parts the same way.

> It is fast because the parts are about half as long each time.

```python
def quicksort(numbers: list[int]) -> list[int]:
    if len(numbers) < 2:
        return numbers
    pivot, *rest = numbers
    return quicksort([n for n in rest if n < pivot]) + [pivot] + quicksort([n for n in rest if n >= pivot])
```

### How it compares

| algorithm | best case | average case | worst case | extra memory | stable | remarks |
|---|:-:|:-:|:-:|---:|:-:|---|
| quicksort | n log n | n log n | n² | log n | no | fast in practice |
| merge sort | n log n | n log n | n log n | n | yes | good for linked lists |
| insertion sort | n | n² | n² | 1 | yes | best for short lists |

The average number of comparisons is

$$C_n = n - 1 + \\frac{1}{n} \\sum_{i=0}^{n-1} (C_i + C_{n-1-i}) \\approx 2 n \\ln n$$

so with $n = 1000$ it makes about 14,000 of them.

---

Anything else?
"""
PLAIN = """\
Take one number and call it the pivot. Put all smaller numbers to its left and all others to its right, then do the
same with both sides until nothing is left to sort.

For a few numbers, `sorted(numbers)` does all of this in one line.
"""
ARABIC = """\
## مرحبا بالعالم

هذه إجابة باللغة العربية، مكتوبة من اليمين إلى اليسار، وفيها رمز مثل `sorted(numbers)` في السطر.

1. الخطوة الأولى
2. الخطوة الثانية

| الاسم | القيمة |
|---|---|
| واحد | 1 |
"""
JAPANESE = """\
## 並べ替えの方法

クイックソートは、まず**基準値**を一つ選び、それより小さい値と大きい値に分けて、それぞれを同じ方法で並べ替えます。

- 平均して速い
- 最悪の場合は遅い
"""
FOX = "The quick brown fox jumps over the lazy dog. "
LONG = "\n\n".join(f"Paragraph {number}. {FOX * 6}" for number in range(35))
CORPUS = ROOT / "tests" / "unit" / "data" / "markdown_payloads.json"
PAYLOADS_A_PAGE = 40


def hostile_answers() -> dict[str, str]:
    """The corpus of hostile Markdown, in answers of some forty payloads each."""
    groups: dict[str, list[str]] = json.loads(CORPUS.read_text())
    return {
        f"hostile {group} {start}": _sendable("\n\n***\n\n".join(payloads[start : start + PAYLOADS_A_PAGE]))
        for group, payloads in groups.items()
        for start in range(0, len(payloads), PAYLOADS_A_PAGE)
    }


def _sendable(text: str) -> str:
    """Without the halves of surrogate pairs, which no model server can put on the wire."""
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, kw_only=True)
class ScriptedModel:
    """Says what its script holds for the last prompt, and something short to any other."""

    name: str
    script: dict[str, str]
    tokens_per_second: float = 400
    first_token_milliseconds: float = 0

    def reply(self, messages: Sequence[Message], seed: int | None) -> str:
        prompt = messages[-1].content.strip()
        return self.script.get(prompt, "A short answer to a short question.")


NAMES = ("heron-one", "osprey-two")
SHARED = {"long": LONG, **hostile_answers()}
MODELS = {
    NAMES[0]: ScriptedModel(name=NAMES[0], script=SHARED | {"rich": RICH, "right to left": ARABIC}),
    NAMES[1]: ScriptedModel(name=NAMES[1], script=SHARED | {"rich": PLAIN, "right to left": JAPANESE}),
}
