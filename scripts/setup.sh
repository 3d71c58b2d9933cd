#!/usr/bin/env bash
# Installs the Debian packages that the given job needs and are missing: setup.sh build|test|bench|fuzz
set -euo pipefail

job=${1:-build}
build_packages=(
  g++ cmake ninja-build ccache mold pkg-config
  libboost1.81-dev libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev libeigen3-dev
  libsqlite3-dev libssl-dev libicu-dev libxml2-dev libarchive-dev libpoppler-cpp-dev
  libuchardet-dev libstemmer-dev libxxhash-dev libhnswlib-dev libcurl4-openssl-dev
)
test_packages=(libgtest-dev librapidcheck-dev python3 poppler-utils)
bench_packages=(python3 libbenchmark-dev postgresql-doc-15 sqlite3-doc debian-handbook recollcmd)
fuzz_packages=(clang libclang-rt-14-dev libgtest-dev)

packages=("${build_packages[@]}")
case $job in
  build) ;;
  test) packages+=("${test_packages[@]}") ;;
  bench) packages+=("${bench_packages[@]}") ;;
  fuzz) packages+=("${fuzz_packages[@]}") ;;
  *) echo "setup.sh: unknown job '$job'; use build, test, bench or fuzz" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: installing ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: needs root or sudo to install packages" >&2; exit 1; }
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
