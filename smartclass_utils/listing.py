"""The helper's own code, shown in the chapter that first uses it."""

import inspect
from collections.abc import Callable
from pathlib import Path

from IPython.display import Markdown, display

from smartclass_utils.config import ROOT


def show_source(*parts: Callable) -> None:
    """Show functions or classes of the helper as code, with file and line.

    What is shown is read from the file itself, so that it cannot go stale.
    """
    for part in map(inspect.unwrap, parts):
        lines, first = inspect.getsourcelines(part)
        file = Path(inspect.getsourcefile(part)).resolve()
        place = file.relative_to(ROOT).as_posix()
        code = "".join(lines).rstrip()
        display(Markdown(f"`{place}`, line {first}:\n\n```python\n{code}\n```"))
