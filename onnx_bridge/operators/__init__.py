"""ONNX's operators, one a file (pointwise ones in one table). Importing this package fills the registry."""

import importlib
import pkgutil

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
