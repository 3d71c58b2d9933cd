#!/usr/bin/env bash
# The main job, from an empty machine: installs what is missing, builds a release, indexes the
# handbook that the project ships, and asks it three questions.
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/setup.sh build
./scripts/build.sh release | tail -n 1
docmind=$PWD/build/release/docmind
store=$PWD/build/demo-store

echo
echo "\$ docmind index examples/handbook"
"$docmind" --store "$store" index examples/handbook

while IFS= read -r question; do
  echo
  echo "\$ docmind ask \"$question\""
  "$docmind" --store "$store" ask "$question"
done <<'QUESTIONS'
How does DocMind find changed files?
Does my data leave my computer?
How many bytes does a token need in the KV cache?
QUESTIONS

cat <<EOF

Your own documents:   $docmind index ~/Documents
                      $docmind ask "..."
A page and an API:    $docmind serve        then open http://127.0.0.1:8080
The manual:           $docmind --help
EOF
