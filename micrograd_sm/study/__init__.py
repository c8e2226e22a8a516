"""Study the gradients of losses: why they are what they are, which mistake is in them, and how far to trust them.

Each study is imported when it is first asked for.
"""

from importlib import import_module
from typing import Any

_NAMES_IN = {  # by the module that defines them
    "landscapes.batch": "residual_maps training_maps",
    "landscapes.losses": "LOSSES Samples Setting sample",
    "landscapes.landscape": "Landscape",
    "landscapes.panels": "Curve CurvePanel FieldPanel MapPanel Minimum",
    "landscapes.pictures": "PICTURES SETTINGS logit_field loss_curves setting_curves "
    "setting_logit_field setting_maps setting_simplex_field simplex_field",
    "mistakes.anomaly": "Anomaly anomaly first_anomaly",
    "mistakes.derivation": "Derivation DerivedLine check_backward",
    "mistakes.lint": "Lint RULES lint",
    "mistakes.look": "Mistake",
    "trust.against_torch": "TensorComparison TorchReport check_against_torch",
    "trust.checks": "Finding GradientReport check_gradients",
    "trust.digits": "Digits NodeDigits digits",
    "why.comparison": "Comparison Match compare",
    "why.derivatives": "Derivatives derivatives",
    "why.explanation": "Explanation SoftmaxShare explain",
    "why.paths": "Path Paths paths",
    "why.program": "Program source",
}
_MODULE_OF = {name: module for module, names in _NAMES_IN.items() for name in names.split()}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
