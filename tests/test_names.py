import itertools

import pandas as pd
import pytest
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from smartclass_utils.config import canonical_label
from smartclass_utils.names import as_text
from smartclass_utils.sources import load

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "![a](x.png)",
    "`x` | **b**\n\n# Title\n\n<script>alert(1)</script>",
    "<https://evil.example>",
    "https://evil.example",
    "</td><svg onload=alert(1)>",
    'happy" onload="alert(1)',
    "\x1b[31mred\u202egnihton",
    *("_x_", "__x__ (_y_)", "~~x~~", "a$b$c", r"$\frac$", "$a_$"),
]
TAGS = ("<img", "<script", "<svg", "<a ", "<h1", "<strong", "<code", "<em", "<del")
MARKS = (*TAGS, "$")  # two dollars are a formula, set by the browser


def page_body(text):
    """Return Markdown as the report's pages show it."""
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False))(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_shows_as_text(name):
    text = as_text(name)
    assert as_text(text) == text
    assert text.isprintable()
    page = page_body(f"The class {text} is the largest: {text}.")
    assert not any(mark in page for mark in MARKS)
    assert text[:5] in page


def test_a_usual_name_stays_with_underscores_wherever_markdown_keeps_them():
    usual = ["very_happy", "a__b_1", "é_空", "0–3", "70+", "空 é", "R&D (2)"]
    assert [*map(as_text, usual)] == usual
    assert as_text("_very_happy_") == "ˍvery_happyˍ"
    assert as_text("data/_a b_") == "data/ˍa bˍ"
    assert "<em" in page_body("x _a_ y")
    texts = [as_text("".join(name)) for name in itertools.product("_a (", repeat=5)]
    assert [as_text(text) for text in texts] == texts
    page = page_body("\n\n".join(f"x {text} y {text}" for text in texts))
    assert "<em" not in page and "<strong" not in page


def test_names_differ_after_it_where_they_did_before():
    assert len({canonical_label(name) for name in HOSTILE}) == len(HOSTILE)
    assert canonical_label(" Happiness\t") == "happy"


def test_hostile_names_of_a_data_set_reach_no_page(tmp_path):
    root = tmp_path / "<b>mine"
    root.mkdir()
    files = [f"{i}<img>.jpg" for i in range(len(HOSTILE))]
    for file in (*files, "<script>.png"):
        (root / file).write_bytes(b"x")
    columns = ("label", "source", "subject", "<svg onload=alert(1)>")
    table = pd.DataFrame({"file": files, **dict.fromkeys(columns, HOSTILE)})
    table.to_csv(root / "labels.csv", index=False)
    data = load(root)
    assert len(data.classes) == len(HOSTILE)
    shown = [*data.classes, *data.notes, data.name, *data.table]
    others = data.table.drop(columns="file").to_numpy().ravel()
    for text in {*shown, *others}:
        assert as_text(text) == text
    assert all((root / file).exists() for file in data.table["file"])
    page = page_body("\n".join(f"- *{text}*" for text in shown))
    page += data.table.drop(columns="file").to_html()
    assert not any(mark in page for mark in MARKS if mark != "<em")
