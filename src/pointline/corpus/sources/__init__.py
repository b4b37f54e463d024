"""The public corpora that datasets are built from, one file each."""

from __future__ import annotations

from collections.abc import Mapping

from pointline.corpus.sources import (
    asdc,
    cec,
    chabsa,
    chnsenti_htl,
    crossre,
    fkc,
    jrte_pn,
    smp2019_ecdt,
    sst_trees,
    stockmark_ner,
    zhijiang_opinion,
)
from pointline.corpus.sources.source import Harvest, Source, Sourced

__all__ = ["SOURCES", "Harvest", "Source", "Sourced"]

#: Every corpus by its name.
SOURCES: Mapping[str, Source] = {
    module.SOURCE.name: module.SOURCE
    for module in (
        asdc,
        cec,
        chabsa,
        chnsenti_htl,
        crossre,
        fkc,
        jrte_pn,
        smp2019_ecdt,
        sst_trees,
        stockmark_ner,
        zhijiang_opinion,
    )
}
