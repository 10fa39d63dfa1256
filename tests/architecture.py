"""The rules of the layout as a checker over any tree: `check(root)` returns what is broken, one line each.

`tests/test_architecture.py` runs it on this repository and on trees with planted violations.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Imports point to the same layer or down. A module is where its longest prefix is listed.
LAYERS: Final[tuple[tuple[str, ...], ...]] = (
    ("__init__", "domain", "errors", "alert", "records"),
    ("registry", "bundle", "advice", "sources", "fingerprint", "state", "scoring", "detections"),
    ("decode", "envelopes", "control", "routing", "pipeline", "decision"),
    (
        *("stream", "sinks", "encoders", "response", "telemetry", "settings", "layers", "locate", "diagnose"),
        *("resources", "assets", "range_files", "enrichment"),
    ),
    ("runtime", "training", "simulate", "console"),
    ("cli", "__main__"),
)
PURE: Final = 2  # the highest layer without time, chance, threads or sockets

# A family is its folder: members know their base, never each other.
FAMILIES: Final = (
    *("sources", "detections", "sinks", "encoders", "response/actions"),
    *("simulate/formats", "simulate/populations", "simulate/scenarios", "training/baselines"),
)

# Third party → who may import it; "" is everyone.
OWNERS: Final[dict[str, tuple[str, ...]]] = {
    "aiohttp": ("telemetry/http.py", "sinks/", "stream/kafka/tokens.py"),
    "aiokafka": ("stream/kafka/",),
    "click": ("cli/",),
    "cramjam": ("envelopes.py", "stream/"),
    "jinja2": ("training/",),
    "jsonschema": ("diagnose.py",),
    "markupsafe": ("training/",),
    "matplotlib": ("training/",),
    "maxminddb": ("range_files.py",),
    "msgspec": ("",),
    "numpy": ("",),
    "prometheus_client": ("telemetry/",),
    "rich": ("cli/",),
    "river": ("training/baselines/half_space_trees.py",),
    "sklearn": ("training/",),
    "stamina": ("runtime/",),
    "structlog": ("telemetry/", "runtime/"),
    "xxhash": ("domain.py", "records.py", "control.py", "sources/", "fingerprint/", "state/", "scoring/", "stream/"),
    "yaml": ("locate.py",),
}

IMPURE: Final = frozenset(
    {"asyncio", "concurrent", "http", "multiprocessing", "queue", "random", "sched", "secrets", "select", "signal"}
    | {"socket", "socketserver", "ssl", "subprocess", "threading", "time", "urllib", "uuid"}
)
IMPURE_CALLS: Final = frozenset({"now", "utcnow", "today", "default_rng", "urandom"})

MODULE_LINES: Final = 400
FUNCTION_LINES: Final = 40

# Modules and folders without a test of their own name: where they are tested, and why there.
TESTED_ELSEWHERE: Final[dict[str, tuple[str, str]]] = {
    "__main__.py": ("cli/test_cli.py", "two lines; every test that runs `python -m detector` runs it"),
    "sources/aws/": ("sources/test_cloudtrail.py", "parts of one source, which its samples go through"),
    "sources/k8s/": ("sources/test_kubernetes.py", "parts of one source, which its samples go through"),
}


@dataclass(frozen=True, slots=True)
class Module:
    """One file of `detector/`: its path below it, its name without the suffix, and what it says."""

    path: str
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__")

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")

    @property
    def layer(self) -> int | None:
        """Layer of the component, by the first word of the path."""
        first = self.name.split("/")[0]
        return next((level for level, names in enumerate(LAYERS) if first in names), None)

    @property
    def family(self) -> str | None:
        """The family this file is a member of; None for bases, packages and everything else."""
        folder, _, file = self.name.rpartition("/")
        return folder if folder in FAMILIES and file != "base" and not self.is_package else None


def check(root: Path) -> list[str]:
    """What is broken in `root/detector` and `root/tests`, sorted; an empty list is good."""
    modules = read(root)
    rules: tuple[Callable[[Module], Iterator[str]], ...] = (size, owners, purity)
    problems = [f"{module.path}: {text}" for module in modules.values() for rule in rules for text in rule(module)]
    problems += [f"{path}: {text}" for path, text in (*layers(modules), *cycles(modules))]
    problems += [*mapped(root, modules), *mirrored(root, modules)]
    return sorted(problems)


def read(root: Path) -> dict[str, Module]:
    """Module name (`sources/cloudtrail`) → module, for every Python file of `root/detector`."""
    package = root / "detector"
    found = {}
    for file in sorted(package.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        module = Module(file.relative_to(package).as_posix(), ast.parse(text), text.count("\n"))
        found[module.name] = module
    return found


def imports(tree: ast.AST, *, top_only: bool = False) -> Iterator[str]:
    """Dotted names a file imports; of `from a import b` both `a` and `a.b`, for either may be the module."""
    for node in ast.iter_child_nodes(tree) if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield "." * node.level + base
            yield from (f"{'.' * node.level}{base}.{alias.name}" for alias in node.names)


def targets(module: Module, modules: dict[str, Module], *, top_only: bool = False) -> set[str]:
    """Names of the modules of this package that `module` imports, as far as they exist."""
    dotted = (name for name in imports(module.tree, top_only=top_only) if name.split(".")[0] == "detector")
    names = {name.removeprefix("detector").lstrip(".").replace(".", "/") or "__init__" for name in dotted}
    return {name for name in names if name in modules} - {module.name}


def layers(modules: dict[str, Module]) -> Iterator[tuple[str, str]]:
    """Imports that point up, members that import a sibling, relative imports, modules without a layer."""
    for module in modules.values():
        if module.layer is None:
            yield module.path, "has no layer: say in LAYERS where it belongs"
            continue
        if any(name.startswith(".") for name in imports(module.tree)):
            yield module.path, "imports relatively: write the whole name"
        for name in sorted(targets(module, modules)):
            target = modules[name]
            if target.layer is not None and target.layer > module.layer:
                yield module.path, f"imports {target.path}, which is above it"
            if module.family is not None and target.family == module.family:
                yield module.path, f"imports its sibling {target.path}: share through the base or a lower layer"


def cycles(modules: dict[str, Module]) -> Iterator[tuple[str, str]]:
    """Modules that, followed along imports that run at import time, lead back to themselves."""
    graph = {name: targets(module, modules, top_only=True) for name, module in modules.items()}
    for name, module in modules.items():
        seen: set[str] = set()
        ahead = list(graph[name])
        while ahead:
            here = ahead.pop()
            if here not in seen:
                seen.add(here)
                ahead.extend(graph[here])
        if name in seen:
            yield module.path, "imports itself in a circle"


def owners(module: Module) -> Iterator[str]:
    """Third-party imports outside the files that own them."""
    for name in sorted({name.split(".")[0] for name in imports(module.tree) if not name.startswith(".")}):
        if name in sys.stdlib_module_names or name == "detector":
            continue
        allowed = OWNERS.get(name)
        if allowed is None:
            yield f"imports {name}, which has no owner: say in OWNERS who may import it"
        elif not module.path.startswith(allowed):
            yield f"imports {name}, which only {', '.join(allowed)} may"


def purity(module: Module) -> Iterator[str]:
    """Time, chance, threads and sockets below `stream`."""
    if module.layer is None or module.layer > PURE:
        return
    for name in sorted({name.split(".")[0] for name in imports(module.tree)} & IMPURE):
        yield f"imports {name}: below stream, time, chance and the world are arguments"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_CALLS:
            yield f"calls {ast.unparse(node.func)} in line {node.lineno}: below stream, time and chance are arguments"


def size(module: Module) -> Iterator[str]:
    """Files and functions that are too long; a function's docstring does not count."""
    if module.lines > MODULE_LINES:
        yield f"has {module.lines} lines, more than {MODULE_LINES}: split it"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node, clean=False) is not None
            docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
            if lines > FUNCTION_LINES:
                yield f"{node.name} in line {node.lineno} has {lines} lines, more than {FUNCTION_LINES}: split it"


def mapped(root: Path, modules: dict[str, Module]) -> Iterator[str]:
    """Differences between the map in `detector/README.md` and the folder.

    The map is every line of a fenced block whose first word is a path below `detector/`. A family's folder stands for
    its files, so that adding one touches one file and its test; everything else is named.
    """
    readme = root / "detector" / "README.md"
    if not readme.is_file():
        yield "README.md: expected the map of the package in detector/README.md, found no such file"
        return
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    words = {line.split()[0] for block in blocks for line in block.splitlines() if line.strip()}
    named = {word.removeprefix("detector/") for word in words if re.fullmatch(r"[\w/]+(\.py|/)", word)} - {""}
    for word in sorted(named):
        if not (root / "detector" / word).exists():
            yield f"README.md: the map names {word}, which does not exist"
    for module in modules.values():
        folder = module.name.rpartition("/")[0]
        covered = folder in FAMILIES and f"{folder}/" in named
        if not module.is_package and module.path not in named and not covered:
            yield f"{module.path}: is missing from the map in detector/README.md"


def mirrored(root: Path, modules: dict[str, Module]) -> Iterator[str]:
    """Modules without their test."""
    tests = root / "tests"
    for module in modules.values():
        folder, _, file = module.name.rpartition("/")
        if module.is_package or file == "base":
            continue  # a package is its members; a base is tested by the contract suite of its family
        elsewhere = next(
            (test for prefix, (test, _) in TESTED_ELSEWHERE.items() if module.path.startswith(prefix)), None
        )
        test = tests / folder / f"test_{file}.py"
        if not test.is_file() and not (elsewhere and (tests / elsewhere).is_file()):
            yield f"{module.path}: expected its test at {test.relative_to(root)}, found none"
