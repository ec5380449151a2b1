#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles and runs a consumer's program with what pkg-config says.
# usage: CXX=compiler MODEL=file pkg_config_test.sh PREFIX PACKAGE PROGRAM   exit code 77: there is no pkg-config
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
command -v pkg-config >/dev/null || { echo "pkg-config is not installed" && exit 77; }

folder=$(dirname "$(find "$1" -name "$2.pc")")
flags=$(PKG_CONFIG_PATH=$folder pkg-config --cflags --libs "$2")
app=$(mktemp)
trap 'rm -f "$app"' EXIT
# shellcheck disable=SC2086 # flags are words
"$CXX" -std=c++20 -DMODEL="\"$MODEL\"" "$3" -o "$app" $flags
"$app"
