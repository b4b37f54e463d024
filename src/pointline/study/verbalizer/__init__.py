"""Knowledgeable verbalizers: a text is classified by the words that a model expects after it.

A prompt leaves a place open, a verbalizer says which words there stand for which class, and the
probabilities of these words are aggregated by class (MMM paper, Section 8; Flow paper, Section 4).
The question is whether the words of the items are better label words than those of somebody who
has not seen the data. docs/studies.md has the definitions.

verbalizer.py   label words by class, and the steps from one verbalizer to another
refine.py       from the probabilities of words to those of classes, and what they tell of words
sources.py      where label words come from: label names, items, lists
asking.py       lists by a chat model
template.py     the prompts
spelling.py     words as tokens, their common beginnings shared
scorer.py       the protocol of models; autoregressive.py and masked.py are those there are
tuning.py       k-shot tuning
scored.py       word scores that outlive a kill
plan.py work.py study.py                the study
report.py caveats.py figure.py pages.py what it found
"""
