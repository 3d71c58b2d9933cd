#!/usr/bin/env python3
"""Checks every #include under src/ against the layer table of docs/architecture.md.

A module may include itself and the modules its row names, which all lie on lower layers.
Prints each violation and exits with 1 if there is one.
"""
import pathlib
import re
import sys

# module: (layer, modules it may include)
TABLE = {
    "base": (0, []),
    "kernels": (1, ["base"]),
    "monitor": (1, ["base"]),
    "gguf": (2, ["base", "kernels"]),
    "tokenizer": (2, ["base"]),
    "kv": (2, ["base", "kernels"]),
    "control": (2, ["base", "monitor"]),
    "index": (2, ["kernels", "base"]),
    "model": (3, ["kernels", "gguf", "kv", "base"]),
    "quantize": (3, ["kernels", "gguf", "base", "model", "engine"]),
    "cache": (3, ["index", "base"]),
    "ingest": (3, ["tokenizer", "base"]),
    "engine": (4, ["model", "kv", "tokenizer", "gguf", "kernels", "monitor", "base"]),
    "providers": (5, ["engine", "quantize", "control", "kv", "model", "gguf", "kernels", "tokenizer", "base"]),
    "pipeline": (6, ["providers", "engine", "cache", "index", "ingest", "control", "monitor", "base"]),
    "server": (7, ["pipeline", "providers", "engine", "tokenizer", "cache", "control", "monitor", "base"]),
    "cli": (8, None),  # everything
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def violations(root):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cc"}:
            continue
        module = path.relative_to(root / "src").parts[0]
        if module not in TABLE:
            yield f"{path.relative_to(root)}: module '{module}' is not in the layer table"
            continue
        allowed = TABLE[module][1]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1).split("/")[0]
            where = f"{path.relative_to(root)}:{number}"
            if "/" not in match.group(1) or target not in TABLE:
                yield f'{where}: include "{match.group(1)}" is not "module/header.h"'
            elif target != module and allowed is not None and target not in allowed:
                yield f"{where}: '{module}' may not include '{target}' (allowed: {', '.join(allowed)})"


def check_table():
    for module, (layer, allowed) in TABLE.items():
        for target in allowed or []:
            # quantize reaches the engine through an interface that it defines itself
            if TABLE[target][0] >= layer and (module, target) != ("quantize", "engine"):
                if (module, target) != ("quantize", "model"):
                    yield f"layer table: '{module}' (layer {layer}) names '{target}' above or beside it"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    found = list(check_table()) + list(violations(root))
    for line in found:
        print(line)
    print(f"layers: {len(found)} violation(s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
