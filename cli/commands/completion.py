"""``assay completion``."""

from __future__ import annotations

import argparse

from assay.cli.wiring import Context

EXAMPLES = """\
  assay completion bash > ~/.local/share/bash-completion/completions/assay
  assay completion zsh > ~/.zfunc/_assay
"""

BASH = """\
_assay() {{
    local word=${{COMP_WORDS[COMP_CWORD]}}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case ${{COMP_WORDS[1]}} in
        queue) [ "$COMP_CWORD" -ne 2 ] || COMPREPLY=($(compgen -W "{actions}" -- "$word")) ;;
        {names}) COMPREPLY=($(compgen -W "$(assay list -A --name-only 2>/dev/null)" -- "$word")) ;;
    esac
    [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -F _assay assay
"""
ZSH = """\
#compdef assay
if (( CURRENT == 2 )); then
    compadd {commands}
else
    case $words[2] in
        queue) (( CURRENT > 3 )) || compadd {actions} ;;
        {names}) compadd -- $(assay list -A --name-only 2>/dev/null) ;;
    esac
    _files
fi
"""
TAKE_NAMES = ("apply", "branch", "logs", "pull", "push", "remove", "show")
ACTIONS = ("start", "stop", "status", "logs", "kill", "remove", "retry")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("shell", choices=("bash", "zsh"))


def run(args: argparse.Namespace, context: Context) -> int:
    """Prints the script."""
    from assay.cli.main import COMMANDS

    script = {"bash": BASH, "zsh": ZSH}[args.shell]
    context.out.write(script.format(commands=" ".join(COMMANDS), names="|".join(TAKE_NAMES), actions=" ".join(ACTIONS)))
    return 0
