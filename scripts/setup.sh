#!/usr/bin/env bash
# Installs the Debian packages that the given job needs and are missing: setup.sh build|test|bench|fuzz
set -euo pipefail

job=${1:-build}
root=$(cd "$(dirname "$0")/.." && pwd)
build_packages=(
  g++ cmake ninja-build ccache mold pkg-config
  libboost1.81-dev libfmt-dev libspdlog-dev libcli11-dev libtomlplusplus-dev libeigen3-dev
  libsqlite3-dev libssl-dev libicu-dev libxml2-dev libarchive-dev libpoppler-cpp-dev
  libuchardet-dev libstemmer-dev libxxhash-dev libhnswlib-dev libcurl4-openssl-dev libzstd-dev
  prometheus-cpp-dev
)
test_packages=(libgtest-dev librapidcheck-dev python3 poppler-utils sentencepiece chromium)
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

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

# Installs those of the packages that are missing.
apt_install() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "setup: installing ${missing[*]}"
  [ ${#as_root[@]} -eq 0 ] || command -v sudo >/dev/null ||
    { echo "setup: needs root or sudo to install packages" >&2; exit 1; }
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# llama.cpp, which tests/parity and bench/model_speed.py compare with: one npm package of prebuilt
# binaries.
install_oracle() {
  [ "$(uname -m)" = x86_64 ] || return 0
  cd "$root/tests/parity/oracle"
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  echo "setup: installing node-llama-cpp's binaries"
  npm ci --silent || echo "setup: npm cannot install them; tests/parity will be skipped" >&2
}

# The official clients that tests/clients runs against the server.
install_clients() {
  cd "$root/tests/clients"
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  echo "setup: installing the clients of tests/clients"
  npm ci --silent --ignore-scripts || echo "setup: npm cannot install them; tests/clients will be skipped" >&2
}

# The page of the server is built with them; any Node.js from 18 on will do; of Debian's, npm is a package of its own.
install_node() {
  command -v node >/dev/null || apt_install nodejs
  command -v npm >/dev/null || apt_install npm
}

apt_install "${packages[@]}"
install_node
case $job in
  test) install_oracle && install_clients ;;
  bench) install_oracle ;;
esac
