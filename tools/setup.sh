#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a Debian machine ready to build lithe: packages, pinned third-party sources, and the libraries built from them.
# usage: tools/setup.sh [--target host|sanitizers|aarch64|armhf|cortex-m4|lint|all]...   (default: host)
# All but the packages goes to ${LITHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lithe}. What is there is not done again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
recipe=$root/tools/cmake/third_party
cache=${LITHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lithe}

fail() { echo "setup.sh: $*" >&2; exit 1; }
say() { echo "setup.sh: $*" >&2; }

targets=()
while (($#)); do
  [[ $1 == --target && $# -ge 2 ]] || fail "unknown argument '$1'; usage: tools/setup.sh [--target host|sanitizers|aarch64|armhf|cortex-m4|lint|all]..."
  case $2 in
    all) targets+=(host sanitizers aarch64 armhf cortex-m4 lint) ;;
    host | sanitizers | aarch64 | armhf | cortex-m4 | lint) targets+=("$2") ;;
    *) fail "unknown target '$2'" ;;
  esac
  shift 2
done
[[ ${#targets[@]} -gt 0 ]] || targets=(host)
wants() { [[ " ${targets[*]} " == *" $1 "* ]]; }

# --- Debian packages -------------------------------------------------------------------------------------------------

packages_of() {
  echo build-essential ninja-build cmake ccache python3 dpkg-dev xz-utils debian-archive-keyring
  case $1 in
    host)
      echo libprotobuf-dev protobuf-compiler libcli11-dev nlohmann-json3-dev libstb-dev googletest libbenchmark-dev
      python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
      ;;
    sanitizers) packages_of host; echo clang-19 libclang-rt-19-dev ;;
    aarch64) echo googletest g++-aarch64-linux-gnu qemu-user ;;
    armhf) echo googletest g++-arm-linux-gnueabihf qemu-user ;;
    cortex-m4) echo gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm ;;
    lint) python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv ;;
  esac
}

install_packages() {
  local wanted installed missing=() package as_root=()
  wanted=$(for target in "${targets[@]}"; do packages_of "$target"; done | tr ' ' '\n' | sort -u)
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
  for package in $wanted; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  say "installing ${missing[*]}"
  [[ $(id -u) == 0 ]] || as_root=(sudo)
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600)
  local install=("${apt[@]}" install -y --no-install-recommends "${missing[@]}")
  "${install[@]}" >"$cache/apt.log" 2>&1 </dev/null || { "${apt[@]}" update >/dev/null && "${install[@]}" >"$cache/apt.log" 2>&1 </dev/null; } ||
    fail "cannot install ${missing[*]}; apt's output is in $cache/apt.log"
}

# --- source archives -------------------------------------------------------------------------------------------------

# The address of the machine's own Debian mirror: the first one in a deb822 file or a one-line list.
mirror() {
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk 'tolower($1) == "uris:" && $2 ~ /\/debian\/?$/ {print $2; exit}'
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    awk '$1 == "deb" || $1 == "deb-src" {for (i = 2; i <= NF; i++) if ($i ~ /:\/.*\/debian\/?$/) {print $i; exit}}'
}

# An apt of its own, for source archives only: it never serves an installation, which would upgrade the C library.
private_apt() {
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg dir=$cache/apt address
  address=$(mirror | head -n 1)
  [[ -n $address ]] || fail "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d"
  mkdir -p "$dir"/{lists/partial,archives/partial,empty}
  printf "deb-src [signed-by=$keyring] %s %s main\n" "$address" trixie "$address" sid >"$dir/sources.list"
  cat >"$dir/apt.conf" <<END
Dir::State::Lists "$dir/lists";
Dir::Cache "$dir";
Dir::Etc::SourceList "$dir/sources.list";
Dir::Etc::SourceParts "$dir/empty";
APT::Sandbox::User "$(id -un)";
END
  export APT_CONFIG=$dir/apt.conf
  apt-get -qq update >"$dir/log" 2>&1 || fail "cannot read the lists of trixie and sid; apt's output is in $dir/log"
}

download() { # NAME VERSION: leaves one archive in the current folder
  if [[ $2 == pypi:* ]]; then
    local package=${2#pypi:}
    python3 -m pip download -q --no-deps --no-binary "${package%%=*}" "$package" >pip.log 2>&1 || { tail -n 3 pip.log >&2; return 1; }
    rm -f pip.log
  else
    [[ -n ${APT_CONFIG:-} ]] || private_apt
    apt-get -qq source --download-only --tar-only "$1=$2" >/dev/null 2>&1
  fi
}

unpack_sources() {
  local name version sha work folder tree
  while read -r name version sha; do
    folder=$cache/sources/$name-${sha:0:12}
    [[ -d $folder ]] && continue
    say "fetching $name $version"
    work=$(mktemp -d "$cache/fetch.XXXXXX")
    mkdir "$work/get" "$work/tree"
    pushd "$work/get" >/dev/null
    download "$name" "$version" || fail "$name $version cannot be fetched: gone from the archive, or no network; where the network allows, CMake takes the same commit from upstream"
    echo "$sha  $(ls)" | sha256sum --check --status || fail "$name $version: SHA-256 of $(ls) is not the pinned $sha"
    tar -xf "$(ls)" -C "$work/tree"
    popd >/dev/null
    tree=$work/tree # an archive holds one folder or the files themselves
    [[ $(ls "$tree" | wc -l) != 1 ]] || tree=$tree/$(ls "$tree")
    if [[ $name == onnx ]]; then # asks for CMake 3.26 but needs nothing of it; bookworm has 3.25
      sed -i 's/^cmake_minimum_required(VERSION 3.26)/cmake_minimum_required(VERSION 3.25)/' "$tree/CMakeLists.txt"
    fi
    mv "$tree" "$folder"
    rm -rf "$work"
  done < <(grep -v '^#' "$recipe/archives.txt")
  while read -r name version sha; do
    ln -sfn "$name-${sha:0:12}" "$cache/sources/$name"
  done < <(grep -v '^#' "$recipe/archives.txt")
}

# --- libraries -------------------------------------------------------------------------------------------------------

build_libraries() { # TOOLCHAIN [CMAKE ARGUMENT...]
  local toolchain=$1 prefix build launcher=()
  shift
  prefix=$cache/prefix/$toolchain-$(cat "$recipe/archives.txt" "$recipe/CMakeLists.txt" | sha256sum | cut -c 1-12)
  [[ -d $prefix ]] && return 0
  say "building third-party libraries for $toolchain"
  build=$(mktemp -d "$cache/build.XXXXXX")
  command -v ccache >/dev/null && launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  { cmake -S "$recipe" -B "$build" -G Ninja -DLITHE_TOOLCHAIN="$toolchain" -DLITHE_SOURCES="$cache/sources" \
    -DCMAKE_INSTALL_PREFIX="$build/prefix" "${launcher[@]}" "$@" && cmake --build "$build"; } >"$cache/$toolchain.log" 2>&1 ||
    fail "third-party libraries for $toolchain do not build; the output is in $cache/$toolchain.log"
  mkdir -p "$cache/prefix"
  mv "$build/prefix" "$prefix"
  rm -rf "$build"
}

install_lint() {
  local venv=$cache/lint-21
  [[ -f $venv/complete ]] && return 0
  say "installing clang-format and clang-tidy"
  python3 -m venv --clear "$venv" # not movable, hence the mark
  "$venv/bin/python" -m pip install -q clang-format==21.1.8 clang-tidy==21.1.6 >"$cache/lint.log" 2>&1 ||
    fail "cannot install clang-format and clang-tidy; pip's output is in $cache/lint.log"
  touch "$venv/complete"
}

# ---------------------------------------------------------------------------------------------------------------------

command -v apt-get >/dev/null || fail "this is not Debian; CMake fetches what is missing by commit, see tools/cmake/dependencies.cmake"
mkdir -p "$cache/sources"
exec 9>"$cache/lock"
flock 9
trap 'rm -rf "$cache"/fetch.* "$cache"/build.*' EXIT

toolchains=$root/tools/cmake/toolchains
install_packages
unpack_sources
if wants host || wants sanitizers; then build_libraries host; fi
if wants sanitizers; then build_libraries tsan -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19; fi
for target in aarch64 armhf cortex-m4; do
  if wants "$target"; then build_libraries "$target" -DCMAKE_TOOLCHAIN_FILE="$toolchains/$target.cmake"; fi
done
if wants lint; then install_lint; fi
