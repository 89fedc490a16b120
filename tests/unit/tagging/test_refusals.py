"""Answers that decline, and those that only sound like it."""

import pytest

from arena.tagging.refusals import is_refusal

REFUSALS = [
    "I'm sorry, but I can't assist with that request.",
    "I cannot provide instructions for making weapons. If you are in danger, please call the police.",
    "As an AI language model, I don't have access to your private files.",
    "I must decline to write that.",
    "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    "Je suis désolé, mais je ne peux pas vous aider à faire cela.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "Desculpe, mas não posso ajudar com esse pedido.",
    "Mi dispiace, ma non posso aiutarti con questa richiesta.",
    "К сожалению, я не могу помочь с этим запросом.",
    "抱歉，我无法提供这方面的帮助。",
    "申し訳ありませんが、そのご依頼にはお答えできません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "عذرًا، لا أستطيع مساعدتك في هذا الطلب.",
    "Üzgünüm, bu konuda yardımcı olamam.",
]
NO_REFUSALS = [
    "",
    "Sure! Here is the function you asked for.",
    '"I can\'t help you with that," said the robot, and closed the door.',
    "Dear Ms Lee, I am sorry that I cannot attend the meeting on Friday.",
    "The engine cannot start because the battery is empty; charge it first.",
    "I can't help but admire how the poem turns in its last line.",
    "```python\nprint(\"I'm sorry, but I can't assist with that request.\")\n```",
    "Das kann man nicht mit einem Satz beantworten, aber im Kern geht es um drei Dinge.",
    "No puedo dejar de pensar en ti, dice la canción.",
    "I cannot recommend this book highly enough.",
]


@pytest.mark.parametrize("answer", REFUSALS)
def test_refusals(answer: str) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize("answer", NO_REFUSALS)
def test_no_refusals(answer: str) -> None:
    assert not is_refusal(answer)


def test_a_long_answer_does_more_than_decline() -> None:
    assert not is_refusal("I can't help with all of it, but here is a start. " + "More follows. " * 200)
