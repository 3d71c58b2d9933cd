#!/usr/bin/env bash
# Makes the handbook's PDF from its groff source; the same source gives the same bytes.
# Needs Debian's package groff.
set -euo pipefail
cd "$(dirname "$0")/.."

source=examples/handbook-src/memory-planning.ms
target=examples/handbook/memory-planning.pdf
command -v gropdf >/dev/null || { echo "make_handbook_pdf.sh: install the package groff" >&2; exit 1; }

# A fixed date: the time of the build is no property of the document.
export SOURCE_DATE_EPOCH=1767225600 TZ=UTC LC_ALL=C
groff -Tpdf -ms -Kutf8 -P-pa4 -dpaper=a4 "$source" >"$target.tmp"
mv "$target.tmp" "$target"
