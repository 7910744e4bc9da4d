"""From one data set on disk, by its folders or its label file, to rows of a table."""

import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pandas as pd

from smartclass_utils.config import (
    CLASSES,
    MANIFEST_COLUMNS,
    SPLITS,
    SmartClassError,
    canonical_label,
)
from smartclass_utils.layouts import FED, RAFDB, REPORTED, DataSet, list_of, part_of
from smartclass_utils.names import some
from smartclass_utils.walking import ADULT, Tree, join, parents

ATTRIBUTES = {  # of RAF-DB's original release
    "gender": ("male", "female", "unsure"),
    "race": ("Caucasian", "African-American", "Asian"),
    "age": ("0–3", "4–19", "20–39", "40–69", "70+"),
}
JUDGED = ("kind", "reason", "notes", "original_file")  # columns of the cleaning's own


def read_data_set(tree: Tree, data: DataSet) -> tuple[pd.DataFrame, list[str], bool]:
    """Return the rows of one data set, notes, and whether its split is to stay."""
    layout, notes = data.layout, []
    paths = {name: list_of(tree, data.base, name) for name in layout.lists}
    lists = {n: read_list(tree, data, n, path) for n, path in paths.items() if path}
    table = read_folders(tree, data, notes) if not layout.is_list else None
    for name, listed in lists.items():
        table = listed if table is None else table
        scope = join(data.base, layout.lists[name].partition("{")[0])
        extra = sorted(set(table["file"]) - set(listed["file"]))
        extra = [file for file in extra if file.startswith(scope)]
        if extra:
            notes.append(f"{name} does not list {some(extra)}: taken by their folder.")
    where = tree.root / data.base
    source = layout.source or where.resolve().name
    own = {"source": source, "original_label": table["label"]}
    own = {**own, "split": "", "subject": "", **table, "sha256": ""}
    table = pd.DataFrame(own, index=table.index)
    table["source"] = table["source"].replace("", source)
    if layout.is_list and layout.nouns:
        add_attributes(tree, data.base, table)
    table["label"] = table["label"].map(canonical_label)
    if layout.nouns:
        table["label"] = table["label"].where(table["label"].isin(CLASSES), "")
    given = layout.source not in REPORTED and settle_parts(where, table, notes)
    others = [name for name in table if name not in MANIFEST_COLUMNS]
    return table[[*MANIFEST_COLUMNS, *others]], notes, given


def read_folders(tree: Tree, data: DataSet, notes: list[str]) -> pd.DataFrame:
    """Return files with the nouns or names of their class folders."""
    of = {folder.path: folder for folder in data.classes}
    for path in of:
        tree.check_class(path, data.base)
    rows = []
    for file in tree.files:
        folder = next((of[above] for above in parents(file) if above in of), None)
        if folder:
            rows.append((file, folder.noun or folder.name, folder.split))
    if data.layout.nouns == FED:
        pairs = sorted({f"{f.name} → {f.noun}" for f in data.classes if f.noun})
        notes.append(f"FED 2023: folders understood: {', '.join(pairs)}.")
        other = ", ".join(sorted({f.name for f in data.classes if not f.noun}))
        if other:
            notes.append(f"FED 2023: folders not understood, left out: {other}.")
    return pd.DataFrame(rows, columns=["file", "label", "split"], dtype=str)


def read_list(tree: Tree, data: DataSet, name: str, file: str) -> pd.DataFrame:
    """Read a label file, ``file`` as paths in the tree; stop at rows with faults."""
    form, path, nouns = data.layout.lists[name], tree.root / file, data.layout.nouns
    *_, column = re.findall(r"{(\w+)}", form)
    blank = {"sep": r"\s+", "names": ["name", "label"]} if column == "name" else {}
    table = read_table(path, column, "label", **blank)
    table = table[table["label"].str.lower() != ADULT].reset_index(drop=True)
    named, label = table[column], table["label"]
    stop_at_rows(path, "without a label", named[label == ""], "fill it in")
    unknown = (named + " " + label)[~label.str.lower().isin(list(nouns))]
    known = f"labels are {', '.join(nouns)}"
    stop_at_rows(path, "with an unknown label", unknown if nouns else [], known)
    if blank:  # train_00001.jpg stands for train_00001_aligned.jpg
        table[column] = named.str.replace(r"(\.\w+)$", r"_aligned\1", regex=True)
    rows = table[[column, "label"]].to_dict("records")
    paths = [join(data.base, str(PurePosixPath(form.format(**row)))) for row in rows]
    found = [tree.find(path) for path in paths]
    outside = [
        given
        for given, path, file in zip(named, paths, found, strict=True)
        if leads_out(given)
        or tree.leads_out(path, data.base)
        or (not file and os.path.lexists(tree.root / path))
    ]
    remedy = "give paths with / relative to the folder of labels.csv"
    stop_at_rows(path, "hidden or leading out of its folder", outside, remedy)
    gone = [path for path, file in zip(paths, found, strict=True) if not file]
    stop_at_rows(path, "without their file", gone, "add the files or remove the rows")
    twice = named[pd.Series(found, dtype=str).duplicated() & data.layout.is_list]
    stop_at_rows(path, "for a file named before", twice, "keep one row a file")
    table = table.rename(columns={name: f"{name} given" for name in JUDGED})
    return table.drop(columns=column).assign(file=found)


def settle_parts(where: Path, table: pd.DataFrame, notes: list[str]) -> bool:
    """Bring a data set's own split into our words; return whether it can be kept."""
    split = table["split"].map(part_of)
    unknown = table.loc[(split == "") & (table["split"] != ""), "file"]
    path = where / "labels.csv"
    stop_at_rows(path, "with an unknown split", unknown, f"use {', '.join(SPLITS)}")
    table["split"], parts = split, set(split) - {""}
    if not parts:
        return False
    stop_at_rows(path, "without a split", table.loc[split == "", "file"], "fill it in")
    name = where.resolve().name
    if "test" not in parts and "val" in parts:
        table["split"] = split.replace("val", "test")
        parts = parts - {"val"} | {"test"}
        notes.append(f"{name} gives no test part: its val part is taken as the test.")
    if not {"train", "test"} <= parts:
        notes.append(f"{name} gives a {some(sorted(parts))} part only: dealt anew.")
        return False
    if "val" not in parts:
        notes.append(
            f"{name} gives no val part: it is taken out of train, never of test."
        )
    return True


def add_attributes(tree: Tree, base: str, table: pd.DataFrame) -> None:
    """Add what RAF-DB's original release says beside the label, in words."""
    stems = table["file"].str.extract(r"([^/]*)_aligned", expand=False)
    table["label"] = table["original_label"] = table["label"].map(RAFDB)
    table["split"] = stems.str.extract("^(test|train)", expand=False).fillna("train")
    paths = [f"Annotation/manual/{stem}_manu_attri.txt" for stem in stems]
    files = [tree.find(join(base, path)) for path in paths]
    texts = [(tree.root / f).read_text(errors="replace") if f else "" for f in files]
    codes = [text.split()[10:] for text in texts]  # after five points
    codes = [c if len(c) == len(ATTRIBUTES) else [""] * len(ATTRIBUTES) for c in codes]
    for i, (name, words) in enumerate(ATTRIBUTES.items()):
        of = {str(code): word for code, word in enumerate(words)}
        table[name] = [of.get(code[i], "") for code in codes]


def leads_out(file: str) -> bool:
    """Return whether a path is absolute, leads upwards or is not of the form a/b."""
    path = PurePosixPath(file)
    return path.is_absolute() or ".." in path.parts or bool({"\\", "\0"} & set(file))


def read_table(path: Path, *needed: str, **options) -> pd.DataFrame:
    """Read a CSV file as text; columns are found without regard to case and blanks.

    Raises:
        SmartClassError: if it is no CSV file or a column is missing.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of commas at the rows' ends
            table = pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                encoding="utf-8-sig",
                index_col=False,
                **options,
            )
    except (ValueError, OSError) as error:  # also undecodable and empty files
        raise SmartClassError(
            f"{path} cannot be read as a UTF-8 CSV file with a header: mend or remove "
            "it."
        ) from error
    table = table.rename(columns=str.strip).fillna("")
    known = {*needed, "split", "source", "subject"} - set(table)
    table = table.rename(columns={n: n.lower() for n in table if n.lower() in known})
    table = table.loc[:, ~table.columns.str.match(r"(Unnamed: \d+)?$")]  # an index
    missing = [name for name in needed if name not in table]
    if missing:
        raise SmartClassError(
            f"{path} has no column {' and no '.join(map(repr, missing))}: its first "
            f"line must name {','.join(needed)}."
        )
    table = table.apply(lambda column: column.str.strip())
    return table[(table != "").any(axis=1)].reset_index(drop=True)


def stop_at_rows(path: Path, what: str, wrong: Iterable[str], remedy: str) -> None:
    """Raise with the first few rows of a label file that cannot be used."""
    names = list(wrong)
    if names:
        rows = "row" if len(names) == 1 else "rows"
        raise SmartClassError(
            f"{path}: {len(names)} {rows} {what} ({some(names)}): {remedy}."
        )
