#!/usr/bin/env bash
# Installs what a build, the tests or the peers need and this machine lacks; says nothing to install when complete.
# usage: tools/setup.sh build|test|peers
#   build  compiler, CMake, Ninja and the libraries of the command line and of the tests
#   test   build, plus clang-format, clang-tidy and a .venv with the test oracles
#   peers  build, plus the peers of bench/peers in the .venv
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

build_packages=(g++ cmake ninja-build libgtest-dev libgmock-dev libbenchmark-dev libcli11-dev nlohmann-json3-dev
  libtomlplusplus-dev libfmt-dev libjs-chart.js libsqlite3-dev libmd-dev)
test_packages=(python3 python3-venv binutils)
# Absent from some releases and machines; what needs them then says that it is skipped.
optional_packages=(clang-format clang-tidy chromium)

installed() { [[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }
available() { apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'; }

as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  elif [[ -t 0 ]]; then
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# install_packages REQUIRED... -- OPTIONAL...
install_packages() {
  local required=() optional=() missing=() into=required name
  for name in "$@"; do
    if [[ "$name" == -- ]]; then
      into=optional
    elif ! installed "$name"; then
      if [[ $into == required ]]; then required+=("$name"); else optional+=("$name"); fi
    fi
  done
  if [[ ${#required[@]} -eq 0 && ${#optional[@]} -eq 0 ]]; then
    say "system packages: all present"
    return
  fi
  local wanted="${required[*]} ${optional[*]}"
  if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
    if [[ ${#required[@]} -eq 0 ]]; then
      say "going on without ${optional[*]}: installing needs root or sudo"
      return
    fi
    die "missing packages, and neither root nor sudo here; ask an administrator for: apt-get install -y $wanted"
  fi
  say "installing: $wanted"
  as_root apt-get update -qq || die "apt-get update failed; check the network and /etc/apt, then run this again"
  for name in "${optional[@]}"; do
    if available "$name"; then missing+=("$name"); else say "going on without $name: this release has no such package"; fi
  done
  missing=("${required[@]}" "${missing[@]}")
  if [[ ${#missing[@]} -eq 0 ]]; then return; fi
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get install failed for: ${missing[*]}"
}

# install_python NAME: tools/NAME.txt into .venv; a stamp of the file's content makes the repeat instant.
install_python() {
  local file="tools/$1.txt" stamp
  stamp=".venv/.thresher-$1-$(sha256sum "$file" | cut -c1-16)"
  if [[ -e "$stamp" ]] && .venv/bin/python -c '' 2>/dev/null; then
    say "python packages ($1): all present"
    return
  fi
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
      die "$(python3 --version 2>&1) is too old, 3.11 is needed: use Debian 12, Ubuntu 24.04 or newer"
    say "making .venv"
    python3 -m venv --clear .venv || die "python3 -m venv failed; install python3-venv"
  fi
  say "installing into .venv: $(grep -v '^#' "$file" | xargs)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --retries 5 -r "$file" ||
    die "pip install -r $file failed; check the network (or PIP_INDEX_URL), then run this again"
  rm -f .venv/.thresher-"$1"-????????????????
  touch "$stamp"
}

# On a system without apt the tools are looked for by name; CMake then names any library that it misses.
check_commands() {
  local name
  for name in "$@"; do
    command -v "$name" >/dev/null || die "$name not found, and this is no Debian or Ubuntu: please install it"
  done
  say "no apt here: using the tools that are installed"
}

mode="${1:-}"
case "$mode" in
  build) packages=("${build_packages[@]}" --) ;;
  test) packages=("${build_packages[@]}" "${test_packages[@]}" -- "${optional_packages[@]}") ;;
  peers) packages=("${build_packages[@]}" "${test_packages[@]}" --) ;;
  *) die "unknown mode '$mode'; use build, test or peers" ;;
esac
if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_packages "${packages[@]}"
else
  check_commands g++ cmake ninja python3
fi
case "$mode" in
  test) install_python requirements ;;
  peers) install_python requirements-peers ;;
esac
