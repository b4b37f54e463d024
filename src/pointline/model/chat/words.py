"""The sentences of which an instruction to a chat model is made, in three languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pointline.model.chat.question import digest

__all__ = ["VERSION", "WORDS", "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """An instruction's sentences in one language, and the names of the parts of an answer."""

    asked: Mapping[str, str]  # by level
    given: str
    item: Mapping[str, str]  # by shape
    closed: Mapping[str, str]  # the label sets: of texts, of pairs, of facts
    open: Mapping[str, str]
    line: str
    bare: str
    json: str
    names: Mapping[str, tuple[str, ...]]
    gap: str
    comma: str


#: The sentences by language.
WORDS: Mapping[str, Words] = {
    "en": Words(
        asked={
            "both": "Give the text one label, and list the items that are in it.",
            "text": "Give the text one label.",
            "word": "List the items that are in the text.",
        },
        given='You are given a text, a slash and the task word "{word}".',
        item={
            "pairs": "An item is a label and the words that it is about, copied from the text"
            " character for character.",
            "facts": "An item is a relation between two things: the words for the one, the"
            " relation, the words for the other. Words are copied from the text character for"
            " character.",
        },
        closed={
            "text": "The label of the text is one of: {labels}.",
            "pairs": "The label of an item is one of: {labels}.",
            "facts": "The relation is one of: {labels}.",
        },
        open={
            "text": "The label of the text is a short term of English of your choice.",
            "pairs": "The label of an item is a short term of English of your choice.",
            "facts": "The relation is a short term of English of your choice.",
        },
        line="Answer with one line of this form and nothing else: {form}",
        bare="If there are no items: {form}",
        json="Answer with JSON of this form and nothing else: {form}",
        names={
            "text": ("LABEL",),
            "pairs": ("label", "words"),
            "facts": ("one", "relation", "other"),
        },
        gap=" ",
        comma=", ",
    ),
    "ja": Words(
        asked={
            "both": "文章全体にラベルを一つ付け、文章に含まれる項目をすべて挙げてください。",
            "text": "文章全体にラベルを一つ付けてください。",
            "word": "文章に含まれる項目をすべて挙げてください。",
        },
        given="入力は、文章、スラッシュ、課題名「{word}」の順に書かれています。",
        item={
            "pairs": "項目は、ラベルと、それに当たる語句の組です。"
            "語句は文章から一字一句そのまま写してください。",
            "facts": "項目は、二つのものの関係です。一方の語句、関係、他方の語句の順に書きます。"
            "語句は文章から一字一句そのまま写してください。",
        },
        closed={
            "text": "文章のラベルは次のいずれかです：{labels}。",
            "pairs": "項目のラベルは次のいずれかです：{labels}。",
            "facts": "関係は次のいずれかです：{labels}。",
        },
        open={
            "text": "文章のラベルは、自分で選んだ短い日本語の語です。",
            "pairs": "項目のラベルは、自分で選んだ短い日本語の語です。",
            "facts": "関係は、自分で選んだ短い日本語の語です。",
        },
        line="次の形の一行だけで答え、ほかには何も書かないでください：{form}",
        bare="項目がないとき：{form}",
        json="次の形のJSONだけで答え、ほかには何も書かないでください：{form}",
        names={"text": ("ラベル",), "pairs": ("ラベル", "語句"), "facts": ("一方", "関係", "他方")},
        gap="",
        comma="、",
    ),
    "zh": Words(
        asked={
            "both": "请给整段文本一个标签，并列出文本中的所有条目。",
            "text": "请给整段文本一个标签。",
            "word": "请列出文本中的所有条目。",
        },
        given="输入依次为文本、斜杠和任务名“{word}”。",
        item={
            "pairs": "条目由标签和对应的词语组成，词语须从文本中逐字照抄。",
            "facts": "条目是两个事物之间的关系，依次写出一方的词语、关系、另一方的词语。"
            "词语须从文本中逐字照抄。",
        },
        closed={
            "text": "文本的标签是以下之一：{labels}。",
            "pairs": "条目的标签是以下之一：{labels}。",
            "facts": "关系是以下之一：{labels}。",
        },
        open={
            "text": "文本的标签由你自己选定，是一个简短的中文词语。",
            "pairs": "条目的标签由你自己选定，是一个简短的中文词语。",
            "facts": "关系由你自己选定，是一个简短的中文词语。",
        },
        line="只用如下形式的一行作答，不要写任何其他内容：{form}",
        bare="没有条目时：{form}",
        json="只用如下形式的JSON作答，不要写任何其他内容：{form}",
        names={"text": ("标签",), "pairs": ("标签", "词语"), "facts": ("一方", "关系", "另一方")},
        gap="",
        comma="、",
    ),
}

#: What tells these words from others.
VERSION = digest({lang: asdict(words) for lang, words in WORDS.items()})
