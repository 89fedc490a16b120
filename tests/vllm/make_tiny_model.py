"""Train a tiny Llama chat model that answers every prompt with one sentence; nothing is downloaded.

Runs inside `.venv-vllm/` (see make_environment.py):

    python make_tiny_model.py FOLDER --seed 1 --reply "Hello."
"""

import argparse
import ast
import random
import sys
import sysconfig
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]
from tokenizers import (  # type: ignore[import-not-found,unused-ignore]
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    trainers,
)
from transformers import (  # type: ignore[import-not-found,unused-ignore]
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)
from transformers.utils.logging import (  # type: ignore[import-not-found,unused-ignore]
    disable_progress_bar,
)

Chat = list[dict[str, str]]

SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
END_OF_TEXT, TURN_START, TURN_END, PADDING = range(4)
CHAT_TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}{{ '\\n' }}{{ message.content }}<|im_end|>{{ '\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant{{ '\\n' }}{%- endif -%}"""
CONTEXT_TOKENS = 4096

TRAINING_STEPS = 350
CHATS_PER_STEP = 8
PEAK_LEARNING_RATE = 5e-3
IGNORED_LABEL = -100
CHATS_CHECKED = 40

# First and last code point: Latin, Greek, Hebrew, Arabic, Devanagari, Kana, Chinese, emoji.
ALPHABETS = [
    (0x21, 0x17F), (0x391, 0x3C9), (0x5D0, 0x5EA), (0x621, 0x64A),
    (0x905, 0x939), (0x3041, 0x30FE), (0x4E00, 0x9FA5), (0x1F300, 0x1F64F),
]  # fmt: skip


def read_help_topics() -> list[str]:
    """Return the texts of Python's own `help()`: English prose that every Python brings along."""
    source = Path(sysconfig.get_paths()["stdlib"], "pydoc_data", "topics.py").read_text(encoding="utf-8")
    constants = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [node.value for node in constants if isinstance(node.value, str)]


def train_tokenizer(texts: list[str]) -> Any:
    """Learn 2048 byte-level tokens and wrap them with the chat template."""
    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pairs,
        eos_token=SPECIAL_TOKENS[TURN_END],
        pad_token=SPECIAL_TOKENS[PADDING],
        model_max_length=CONTEXT_TOKENS,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_untrained_model(vocabulary_size: int) -> Any:
    """Build a Llama of 0.2 million parameters whose head size (32) vLLM's CPU attention supports."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary_size,
            hidden_size=64,
            intermediate_size=160,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=32,
            max_position_embeddings=CONTEXT_TOKENS,
            tie_word_embeddings=True,
            bos_token_id=END_OF_TEXT,
            eos_token_id=TURN_END,
            pad_token_id=PADDING,
        )
    )


class ChatSource:
    """Draws chats of every kind the reply has to survive: prose, word salad, scripts, several turns."""

    def __init__(self, texts: list[str], reply: str, generator: random.Random) -> None:
        self._words = " ".join(texts).split(" ")
        self._reply = reply
        self._random = generator

    def chat(self) -> Chat:
        messages: Chat = []
        if self._random.random() < 0.2:
            messages.append({"role": "system", "content": self._text()})
        for _ in range(self._random.choice([0, 0, 0, 1, 1, 2])):
            earlier_answer = self._reply if self._random.random() < 0.7 else self._text()
            messages.append({"role": "user", "content": self._text()})
            messages.append({"role": "assistant", "content": earlier_answer})
        return [*messages, {"role": "user", "content": self._text()}]

    def _text(self) -> str:
        word_count = int(self._random.expovariate(1 / 10))
        kind = self._random.choice([self._prose, self._word_salad, self._script])
        return kind(min(word_count, 120))

    def _prose(self, word_count: int) -> str:
        start = self._random.randrange(len(self._words) - word_count)
        return " ".join(self._words[start : start + word_count])

    def _word_salad(self, word_count: int) -> str:
        return " ".join(self._random.choices(self._words, k=word_count))

    def _script(self, word_count: int) -> str:
        first, last = self._random.choice(ALPHABETS)
        return "".join(chr(self._random.randint(first, last)) for _ in range(word_count))


def prompt_tokens(tokenizer: Any, chat: Chat) -> list[int]:
    encoded = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)
    return list(encoded["input_ids"])


def make_batch(prompts: list[list[int]], answer: list[int]) -> tuple[Any, Any]:
    """Return token ids and labels, padded on the right; only the answer's tokens carry a label."""
    width = max(map(len, prompts)) + len(answer)
    tokens = torch.full((len(prompts), width), PADDING)
    labels = torch.full((len(prompts), width), IGNORED_LABEL)
    for row, prompt in enumerate(prompts):
        end = len(prompt) + len(answer)
        tokens[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return tokens, labels


def teach_reply(model: Any, tokenizer: Any, source: ChatSource, reply: str) -> float:
    """Overfit the model on the reply and return the last loss."""
    answer = tokenizer(reply, add_special_tokens=False)["input_ids"] + [TURN_END]
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=PEAK_LEARNING_RATE, total_steps=TRAINING_STEPS, pct_start=0.1
    )
    for _ in range(TRAINING_STEPS):
        prompts = [prompt_tokens(tokenizer, source.chat()) for _ in range(CHATS_PER_STEP)]
        tokens, labels = make_batch(prompts, answer)
        loss = model(input_ids=tokens, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return float(loss.detach())


def answer_greedily(model: Any, tokenizer: Any, chat: Chat) -> str:
    prompt = prompt_tokens(tokenizer, chat)
    tokens = torch.tensor([prompt])
    with torch.no_grad():
        generated = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=100, do_sample=False
        )
    return str(tokenizer.decode(generated[0, len(prompt) :], skip_special_tokens=True))


def make_model(folder: Path, seed: int, reply: str) -> None:
    """Train, save and check one model; exit with an error when a fresh chat gets another answer."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    disable_progress_bar()
    generator = random.Random(seed)
    texts = read_help_topics()
    tokenizer = train_tokenizer(texts)
    model = make_untrained_model(len(tokenizer))
    source = ChatSource(texts, reply, generator)
    loss = teach_reply(model, tokenizer, source, reply)
    model.to(torch.bfloat16).eval()
    save(folder, model, tokenizer)
    answers = [answer_greedily(model, tokenizer, source.chat()) for _ in range(CHATS_CHECKED)]
    wrong = [answer for answer in answers if answer != reply]
    if wrong:
        sys.exit(f"{len(wrong)} of {CHATS_CHECKED} fresh chats got another answer, such as {wrong[0]!r}")
    print(f"{folder.name}: last loss {loss:.5f}, {CHATS_CHECKED} fresh chats answered exactly")


def save(folder: Path, model: Any, tokenizer: Any) -> None:
    settings = GenerationConfig(bos_token_id=END_OF_TEXT, eos_token_id=TURN_END, pad_token_id=PADDING)
    model.generation_config = settings
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder, save_jinja_files=False)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the model goes")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and training chats")
    parser.add_argument("--reply", required=True, help="the answer to every prompt")
    options = parser.parse_args()
    make_model(options.folder, options.seed, options.reply)


if __name__ == "__main__":
    main()
