"""The commands, from the command line itself."""

from enum import Enum
from typing import Any

from typer.main import get_command

from gateway.entry.cli import app
from tests.support.docs.markdown import NOTICE, code, table

_INTRO = """# Commands

{notice}

Data goes to standard output, words to standard error.
Exit 0: fine; 1: the input was refused; 2: wrong usage or configuration.
`relais COMMAND --help` says the same in a terminal.
"""


def page() -> str:
    """Write one section a command."""
    parts = [_INTRO.format(notice=NOTICE)]
    parts += [_section(path, command) for path, command in commands().items()]
    return "\n".join(parts)


def commands() -> dict[str, Any]:
    """Return every command that does something, by its words behind `relais`."""
    return dict(_below(get_command(app), ""))


def _below(group: Any, above: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, command in group.commands.items():
        path = f"{above} {name}".strip()
        found += _below(command, path) if hasattr(command, "commands") else [(path, command)]
    return found


def _section(path: str, command: Any) -> str:
    about, _, example = (command.help or "").partition("Example:")
    text = f"## relais {path}\n\n{' '.join(about.split())}\n"
    if example:
        text += f"\n```\n{example.strip()}\n```\n"
    rows = [_row(parameter) for parameter in command.params if not _is_help(parameter)]
    return text + (f"\n{table(('argument', 'default', 'meaning'), rows)}\n" if rows else "")


def _is_help(parameter: Any) -> bool:
    return "--help" in parameter.opts


def _row(parameter: Any) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        name = parameter.name.upper() + (" …" if parameter.nargs == -1 else "")
    else:
        name = " / ".join((*parameter.opts, *parameter.secondary_opts)) + _choices(parameter)
    default = "required" if parameter.required else code(_text(parameter.default))
    return code(name), default, parameter.help or ""


def _choices(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    return f" {'|'.join(str(member.value) for member in kind)}" if is_enum else ""


def _text(default: Any) -> str:
    if default is None or default is False:
        return ""
    return str(default.value if isinstance(default, Enum) else default)
