"""Programs of machines whose files are no modules by their names."""

import importlib.util
from pathlib import Path
from types import ModuleType


def load(path: str) -> ModuleType:
    """The program at this path of config-templates, as a module; its `main` is not called."""
    spec = importlib.util.spec_from_file_location(
        Path(path).stem.replace("-", "_"), Path(__file__).parents[2] / "config-templates" / path
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
