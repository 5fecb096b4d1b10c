"""Compiles the rooms every input passes, when a wheel is built with them (ADR 13).

`HATCH_BUILD_HOOK_ENABLE_CUSTOM=true` asks for it; needs mypy (which brings mypyc), setuptools and
a C compiler. Which modules are compiled is said in `pyproject.toml`. The wheel holds the sources
too, beside the extension modules that Python prefers.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: What mypyc writes: C, objects, its cache.
_BUILD = Path("build") / "compiled"
_TYPES = ("--config-file=", "--follow-imports=silent", "--ignore-missing-imports")


class CompiledRooms(BuildHookInterface[Any]):
    """Puts extension modules beside the sources they are made of."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say that the wheel is for this platform; an editable one stays as it is."""
        if version == "editable":
            return
        built = Path(self.root) / _BUILD / "lib"
        root = Path(self.root)
        modules = sorted({file for one in self.config["modules"] for file in root.glob(one)})
        compile_modules([file.relative_to(root).as_posix() for file in modules], built)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for made in sorted([*built.rglob("*.so"), *built.rglob("*.pyd")]):
            build_data["force_include"][str(made)] = made.relative_to(built).as_posix()


def compile_modules(modules: list[str], built: Path) -> None:
    """Compile modules together, so that they call each other without the interpreter.

    Args:
        modules: files, `gateway/hl7v2/cells.py`.
        built: folder the extension modules go to, as packages.
    """
    # Builds without compiled modules need neither.
    from mypyc.build import mypycify
    from setuptools import Distribution

    work = built.parent
    extensions = mypycify(
        [*_TYPES, f"--cache-dir={work / 'types'}", *modules],
        opt_level="3",
        debug_level="0",
        group_name="relais",
        target_dir=str(work / "c"),
    )
    # Not setup(): it would read pyproject.toml, which is for hatchling.
    command = Distribution({"name": "relais", "ext_modules": extensions}).get_command_obj(
        "build_ext"
    )
    command.build_lib, command.build_temp = str(built), str(work / "objects")
    command.ensure_finalized()
    command.run()
