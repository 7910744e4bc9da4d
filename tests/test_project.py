"""The tree is held together: versions, README, notebooks, module floors."""

import ast
import json
import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import nbformat
import pytest

from smartclass_utils.config import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = ROOT / "smartclass_utils"
MODULES = {
    ".".join(file.relative_to(PACKAGE).with_suffix("").parts): file
    for file in sorted(PACKAGE.rglob("*.py"))
}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line)
    return {name.lower(): version for name, version in pairs}


def dependencies() -> list[str]:
    project = PYPROJECT["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    return [re.match(r"[\w-]+", line)[0].lower() for line in wanted]


def test_environment_yml_has_the_versions_of_the_constraints():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    listed = dict(re.findall(r"- ([\w-]+)==(\S+)", text))
    assert listed == {name: pins()[name] for name in dependencies()}


def test_conda_python_is_one_that_the_package_takes():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    minor = int(re.search(r"python=3\.(\d+)", text)[1])
    low, high = re.findall(r"3\.(\d+)", PYPROJECT["project"]["requires-python"])
    assert int(low) <= minor < int(high)


def imports_of(module: Path) -> set[str]:
    """Return the modules of the package that a module imports, however late."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(PACKAGE.name):
            place = node.module.removeprefix(PACKAGE.name).removeprefix(".")
            for alias in node.names:
                names = (f"{place}.{alias.name}".strip("."), place)
                names = (*names, f"{place}.__init__".strip("."))
                found.add(next(name for name in names if name in MODULES))
    return found


def test_imports_never_go_in_a_circle():
    graph = {name: imports_of(file) for name, file in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert sorted(order) == sorted(MODULES)
    assert order.index("config") < order.index("training") < order.index("report")


def test_training_knows_nothing_of_faces_or_files():
    for name in ("models", "training", "dataset", "checkpoints", "evaluation"):
        known = {other.split(".")[0] for other in imports_of(MODULES[name])}
        assert not known & {"demo", "sources", "cleaning", "plots", "report"}


def test_modules_stay_short():
    for name, file in MODULES.items():
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 310, f"{name}: {len(lines)} lines are two rooms"


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
class TestNotebook:
    def test_ran_in_order_without_error(self, file):
        cells = [c for c in nbformat.read(file, 4).cells if c.cell_type == "code"]
        assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
        outputs = [output for cell in cells for output in cell.outputs]
        assert outputs
        assert all(output.output_type != "error" for output in outputs)
        assert all(output.get("name") != "stderr" for output in outputs)

    def test_is_small_and_holds_no_path_of_a_machine(self, file):
        text = file.read_text(encoding="utf-8")
        assert len(text.encode()) < 1_000_000
        assert not re.search(r"(?<![\w.])/(?:home|root|tmp|Users|work)/", text)
        assert str(ROOT) not in text

    def test_opens_with_goal_needs_produces_runtime(self, file):
        opening = nbformat.read(file, 4).cells[0].source
        assert re.match(r"# \d [A-Z]", opening)
        for word in ("Goal", "Needs", "Produces", "Runtime"):
            assert f"**{word}**" in opening

    def test_has_one_cell_of_parameters_each_explained(self, file):
        cells = nbformat.read(file, 4).cells
        tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
        assert len(tagged) == 1
        for line in tagged[0].source.splitlines():
            assert re.match(r"[A-Z_]+ = .+  # .+", line), line

    def test_cells_are_short_and_explained(self, file):
        cells = nbformat.read(file, 4).cells
        sizes = sorted(
            len([line for line in c.source.splitlines() if line.strip()])
            for c in cells
            if c.cell_type == "code"
        )
        assert sizes[-1] <= 30
        assert sizes[len(sizes) // 2] <= 6
        texts = [c for c in cells if c.cell_type == "markdown"]
        assert len(texts) >= len(sizes)
        source = "\n".join(c.source for c in cells if c.cell_type == "code")
        assert not re.search(r"^\s*class |sys\.path|^[!%]", source, re.M)

    def test_every_figure_has_a_text_for_those_who_do_not_see_it(self, file):
        for cell in nbformat.read(file, 4).cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    assert output.metadata["image/png"]["alt"]

    def test_runtime_in_the_text_is_the_one_recorded(self, file):
        stored = json.loads(
            (ROOT / "data" / "results" / "demo.json").read_text(encoding="utf-8")
        )
        opening = nbformat.read(file, 4).cells[0].source
        stated = int(re.search(r"\*\*Runtime\*\* about (\d+) seconds", opening)[1])
        measured = stored["chapter_seconds"][file.stem]
        assert 0.5 * measured <= stated <= 2 * measured


def test_committed_figures_are_the_ones_the_notebooks_make():
    sources = "".join(file.read_text(encoding="utf-8") for file in NOTEBOOKS)
    gallery = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")
    for figure in (ROOT / "figures").glob("*.png"):
        name = figure.stem.removesuffix("_talk")
        assert f'"{name}\\"' in sources
        assert figure.with_name(f"{name}.svg").exists()
        assert f"({figure.name})" in gallery


def test_gallery_links_lead_to_files():
    gallery = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", gallery):
        assert (ROOT / "figures" / target).exists(), target


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_names_only_files_that_exist():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_readme_sends_graders_to_sections_that_exist():
    rows = re.findall(r"\(notebooks/(\w+\.ipynb)\): (\d\.\d[\d., ]*)", README)
    assert len(rows) > 10
    for name, numbers in rows:
        cells = nbformat.read(ROOT / "notebooks" / name, 4).cells
        for number in re.findall(r"\d\.\d+", numbers):
            assert any(c.source.startswith(f"## {number} ") for c in cells), number


def test_start_page_leads_to_every_chapter():
    page = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    for file in NOTEBOOKS:
        title = nbformat.read(file, 4).cells[0].source.splitlines()[0]
        assert f"[{title.removeprefix('# ')}]({file.name})" in page
    for target in re.findall(r"\]\(([^)#:]+)\)", page):
        assert (ROOT / "notebooks" / target).exists(), target


def test_readme_names_only_commands_that_exist():
    rules = re.findall(
        r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M
    )
    for command in re.findall(r"`make (\w+)", README):
        assert command in rules, command


# What would run or unpack what a file says.
UNSAFE = re.compile(
    r"\b(?:import|from) (?:pickle|cPickle|dill|cloudpickle|shelve|marshal|yaml)\b"
    r"|\ballow_pickle\s*=\s*True|\bweights_only\s*=\s*False"
    r"|\b(?:yaml\.(?:unsafe_|full_)?load|joblib\.load|read_pickle|pickle\.loads?)\("
    r"|(?<![\w.])(?:eval|exec)\(|\bos\.system\(|\bshell\s*=\s*True"
    r"|\.extractall\((?![^)]*filter=[\"']data[\"'])"
)


def sources_of_code():
    """Return path → what the package, the benchmarks and the notebooks execute."""
    found = {}
    for folder in ("smartclass_utils", "benchmarks", "notebooks"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            found[file] = file.read_text(encoding="utf-8")
        for file in sorted((ROOT / folder).rglob("*.ipynb")):
            cells = nbformat.read(file, 4).cells
            code = [cell.source for cell in cells if cell.cell_type == "code"]
            found[file] = "\n".join(code)
    return found


def test_no_file_is_unpickled_or_run_anywhere():
    for file, text in sources_of_code().items():
        assert not UNSAFE.search(text), (file, UNSAFE.search(text)[0])
        for call in re.findall(r"torch\.load\(.*", text):
            assert "weights_only=True" in call, file
        for call in re.findall(r"np\.load\(.*", text):
            assert "allow_pickle=False" in call, file


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load; joblib.load(path)",
        "pd.read_pickle(path)",
        "import shelve",
        "yaml.load(text)",
        "eval(text)",
        "exec(text)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "archive.extractall(folder)",
        'archive.extractall(folder, filter="tar")',
    ],
)
def test_the_search_for_what_is_unsafe_finds_it(line):
    assert UNSAFE.search(line)


@pytest.mark.parametrize(
    "line",
    ["model.eval()", "re.compile(x)", 'archive.extractall(folder, filter="data")'],
)
def test_the_search_for_what_is_unsafe_leaves_the_rest(line):
    assert not UNSAFE.search(line)


def test_jupyterlab_stays_on_this_machine_behind_a_token(monkeypatch):
    for name in ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    from jupyter_server.serverapp import ServerApp

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (command,) = re.findall(r"-m jupyter (.*?)\n(?!\t)", makefile, re.S)
    options = command.replace("\\", "").split()
    assert options == [
        "lab",
        "--notebook-dir=notebooks",
        "--LabApp.default_url=/lab/tree/README.md",
        "--LabApp.app_settings_dir=notebooks/.lab",
    ]
    app = ServerApp()
    assert app.ip in ("localhost", "127.0.0.1")
    provider = app.identity_provider_class()
    assert len(provider.token) >= 32
    assert provider.token_generated
    open_to_all = re.compile(
        r"(?<![\d.])0\.0\.0\.0|allow_root|allow_origin|--no-auth"
        r"|(?:App|Provider)\.(?:token|password|ip|allow_\w+)\s*="
    )
    kinds = ("*.py", "*.ipynb", "*.toml", "*.yml", "*.json", "*.cfg", "Makefile")
    folders = ("smartclass_utils", "benchmarks", "notebooks", ".ci")
    files = [file for kind in kinds for file in ROOT.glob(kind)]
    for folder in folders:
        files += [file for kind in kinds for file in (ROOT / folder).rglob(kind)]
    for file in files:
        found = open_to_all.search(file.read_text(encoding="utf-8"))
        assert not found, (file, found[0])
