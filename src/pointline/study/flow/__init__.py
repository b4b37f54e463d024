"""Information flow inside a model: attention times gradient by layer, held against chance.

docs/studies.md has the definitions, what which paper does, and how to read what comes out.

settings.py     what is measured: frozen settings, and the papers' by name
prompt.py roles.py samples.py           prompts in pieces, tokens and their roles, who takes part
attention.py recorder.py                attention under watch, and what is kept of its maps
measure.py state.py knockout.py         one batch through a model
begin.py parts.py run.py                what it begins with, batches on disk, a whole study
curves.py correlation.py result.py      from sums to curves and findings
against.py      beside an ablation
words.py        what the controls allow one to conclude
tables.py figures.py pictures.py gallery.py page.py     what is written
"""
