"""The shape of the house: imports run downwards, and importing the package loads little."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "microgpt"

# From the ground up. A module may import those of lower floors only.
FLOORS = (
    {"errors", "interrupts", "leftovers", "calling"},
    {"limits"},
    {"architecture"},
    {"autograd", "bytepairs", "config", "files", "stream", "arrays", "reading"},
    {"data", "tokenizer", "trace"},
    {"flops", "growing", "lora", "model", "summary", "tokenizerjson"},
    {"mergesfile"},
    {"subwords"},
    {"disk"},
    {"engines"},
    {"batches", "opening"},
    {"evaluation", "sampling", "stopping"},
    {"diverging", "heldout", "pace", "runfacts", "start"},
    {"training", "vocabulary"},
    {"importing"},
    {"guard", "inspection"},
    {"assignment"},
    {"benchmark"},
    {"speedrun"},
    {"cli"},
    {"__main__"},
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
# Within a folder files import each other; no cycles there either.
FOLDERS = {path.name for path in SRC.iterdir() if (path / "__init__.py").exists()}


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every microgpt module that the file imports anywhere, but for blocks for type checkers."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            found |= {
                f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base
                for alias in node.names
            }
    return {name for name in found if name.split(".")[0] == "microgpt"}


def is_module(name: str) -> bool:
    path = SRC.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def floor(module: str) -> int:
    name = module.split(".")[1]
    assert name in FLOOR_OF, f"{module} has no floor yet: give it one in tests/test_house.py"
    return FLOOR_OF[name]


def climbs(module: str, imported: str) -> bool:
    """Whether one imports the other from its own floor or from one above."""
    folder = module.split(".")[1]
    same_folder = folder == imported.split(".")[1] and folder in FOLDERS
    return not same_folder and floor(imported) >= floor(module)


def test_imports_run_downwards() -> None:
    wrong = [
        f"{module} imports {imported}"
        for path in sorted(SRC.rglob("*.py"))
        if (module := module_name(path)) != "microgpt"
        for imported in sorted(imports(path) - {"microgpt"})
        if climbs(module, imported)
    ]
    assert not wrong, "\n".join(wrong)


def cycles(graph: dict[str, set[str]]) -> list[str]:
    """Each way from a module back to itself that a walk through the graph comes upon."""
    found: list[str] = []
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            found.append(" -> ".join((*path[path.index(module) :], module)))
        elif module not in done:
            for imported in sorted(graph.get(module, ())):
                walk(imported, (*path, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())
    return found


def test_no_cycles() -> None:
    """Imports inside of functions count: they hide a cycle, they don't take it away."""
    graph = {module_name(path): imports(path) for path in SRC.rglob("*.py")}
    assert not (found := cycles(graph)), "\n".join(found)


def test_a_cycle_is_found_wherever_it_is_imported(tmp_path: Path) -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b -> c -> b"]
    hidden = tmp_path / "hidden.py"
    hidden.write_text("def late():\n    from microgpt.disk import snapshot\n")
    assert imports(hidden) == {"microgpt.disk.snapshot"}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in out.stdout.split()}


def test_importing_microgpt_loads_nothing_else() -> None:
    before = loaded_by("pass")
    new = loaded_by("import microgpt") - before - set(sys.stdlib_module_names)
    assert new == {"microgpt"}


def test_data_and_autograd_load_no_third_party_library() -> None:
    for module in ("data", "autograd", "config", "tokenizer", "subwords", "trace", "model"):
        loaded = loaded_by(f"import microgpt.{module}")
        assert not loaded & {"numpy", "rich", "cyclopts", "plotext", "safetensors", "torch"}, module


def test_training_loads_no_screen_and_no_torch() -> None:
    assert not loaded_by("import microgpt.training") & {"rich", "cyclopts", "plotext", "torch"}


def test_a_run_on_a_bundled_list_loads_nothing_that_only_others_need() -> None:
    begun = "import microgpt.cli.train, microgpt.data; microgpt.data.load_data('names')"
    assert not loaded_by(begun) & {"csv", "difflib", "gzip", "socket", "tomllib"}


def test_public_names_resolve() -> None:
    import microgpt

    for name in microgpt.__all__:
        assert getattr(microgpt, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = microgpt.nonsense


@pytest.mark.parametrize(
    "module",
    [
        "data",
        "tokenizer",
        "bytepairs",
        "subwords",
        "autograd",
        "config",
        "model",
        "trace",
        "batches",
        "stream",
        "errors",
        "calling",
        "disk.checkpoint",
        "disk.modelfile",
        "opening",
        "evaluation",
        "sampling",
        "training",
        "growing",
        "importing",
    ],
)
def test_modules_show_themselves(module: str) -> None:
    out = subprocess.run(
        [sys.executable, "-m", f"microgpt.{module}"], capture_output=True, text=True, cwd=ROOT
    )
    assert out.returncode == 0, out.stderr
    assert len(out.stdout.splitlines()) >= 2


def test_files_stay_small() -> None:
    folders = ("src", "ladder", "tests", "scripts", "conformance", "bench", "guide/build")
    for path in [path for folder in folders for path in (ROOT / folder).rglob("*.py")]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 500, f"{path} has {lines} lines: is it still one thing?"
