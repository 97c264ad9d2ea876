"""Prints an editor's snippet for each hook, so that its whole typed signature is completed.

python -m lepton_platform.snippets > .vscode/lepton.code-snippets

No checker can offer the signature of a plain function that is not written yet; a snippet can. The format
is Visual Studio Code's: https://code.visualstudio.com/docs/editing/userdefinedsnippets
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable

from lepton_platform.hooks import SPECS


def body(hook: Callable[..., object]) -> list[str]:
    """Return the lines that are inserted; the cursor goes to the class of ``config``, then to ``$0``.

    One argument a line, so that those that are not needed are quickly deleted.

    >>> from lepton_platform.hookspecs import lepton_summary
    >>> print("\\n".join(body(lepton_summary)))
    @hookimpl
    def lepton_summary(
        run: Run,
        config: ${1:Config},
    ) -> Mapping[str, Any] | None:
        $0
    """
    signature = inspect.signature(hook)
    typed = {name: argument.annotation for name, argument in signature.parameters.items()}
    if "config" in typed:
        typed["config"] = f"${{1:{typed['config']}}}"
    arguments = [f"    {name}: {annotation}," for name, annotation in typed.items()]
    head = ["@hookimpl", f"def {hook.__name__}("]
    return [*head, *arguments, f") -> {signature.return_annotation}:", "    $0"]


def snippets() -> dict[str, dict[str, object]]:
    """Return the content of the file; a hook's own documentation is shown beside its name."""
    return {
        name: {"scope": "python", "prefix": name, "description": inspect.getdoc(hook), "body": body(hook)}
        for name, hook in SPECS.items()
    }


if __name__ == "__main__":
    print(json.dumps(snippets(), indent=2))
