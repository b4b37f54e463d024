"""Exchange: records in the formats that other tools read and write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from pointline.corpus.exchange.form import Form

__all__ = ["FORMATS"]

_MODULES = {
    "conll": "conll",
    "conll-bioes": "conll",
    "conll-chars": "conll",
    "conll-plain": "conll",
    "brat": "brat",
    "doccano": "doccano",
    "doccano-spans": "doccano",
    "doccano-relations": "doccano",
    "label-studio": "label_studio",
    "docbin": "docbin",
    "gliner": "gliner",
    "gliner2": "gliner",
    "datasets": "hub",
    "csv": "pairs",
    "tsv": "pairs",
    "paper-csv": "pairs",
    "paper-tsv": "pairs",
}


class _Formats(Mapping[str, Form]):
    """The formats by name; a format's module is imported when it is asked for."""

    def __getitem__(self, name: str) -> Form:
        module = import_module(f"{__name__}.{_MODULES[name]}")
        forms: tuple[Form, ...] = getattr(module, "FORMS", None) or (module.FORM,)
        return next(form for form in forms if form.name == name)

    def __contains__(self, name: object) -> bool:
        return name in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


#: Every exchange format by its name.
FORMATS: Mapping[str, Form] = _Formats()
