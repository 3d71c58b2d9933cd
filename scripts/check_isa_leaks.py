#!/usr/bin/env python3
"""Checks that kernels of an instruction set share no code with the rest: check_isa_leaks.py BUILD_FOLDER

A function that a header defines is compiled in every file that uses it, and the linker keeps any one
of the copies. If that is the copy made with AVX-512, the program dies on other CPUs far away from any
kernel. So each such function in these object files must carry the instruction set's name.
"""
import pathlib
import subprocess
import sys


def leaks(build):
    for isa in ("avx2", "avx512"):
        objects = sorted(build.glob(f"**/docmind_kernels.dir/src/kernels/{isa}/*.o"))
        if not objects:
            yield f"no object files of {isa} under {build}"
        for path in objects:
            listing = subprocess.run(["nm", "-C", str(path)], capture_output=True, text=True, check=True)
            for line in listing.stdout.splitlines():
                kind, name = line[17:18], line[19:]
                if kind in "WVu" and f"{isa}::" not in name:
                    yield f"{isa}/{path.name}: shared with the rest of the program: {name}"


def main():
    found = list(leaks(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    print(f"isa leaks: {len(found)} violation(s)")
    return 1 if found else 0


sys.exit(main())
