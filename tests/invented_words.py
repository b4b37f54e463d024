"""Made-up words, so that made-up texts are no near-duplicates of each other."""

import random

_LATIN = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロ"
_HAN = "山川水木石田林森竹松梅桃杏柳云雨雪风霜露星月日光明江河湖海岛桥路门窗灯笔纸书琴棋画茶米豆麦"


def latin(seed: object, words: int = 3) -> list[str]:
    """Words of three syllables, the same for the same seed."""
    chance = random.Random(f"latin {seed}")
    return ["".join(chance.choices(_LATIN, k=3)) for _ in range(words)]


def kana(seed: object, length: int = 14) -> str:
    return "".join(random.Random(f"kana {seed}").choices(_KANA, k=length))


def han(seed: object, length: int = 14) -> str:
    return "".join(random.Random(f"han {seed}").choices(_HAN, k=length))
