# SPDX-License-Identifier: Apache-2.0
# What the presets share: ccache, and the cache folder that tools/setup.sh filled. Read by project(), before any language.
#   LITHE_TOOLCHAIN  names of the prefixes to search, in order
find_program(ccache ccache NO_CACHE)
if(ccache) # paths relative to the checkout, so that another clone finds what this one compiled
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${ccache})
endif()

if(DEFINED ENV{LITHE_CACHE})
  set(LITHE_CACHE_DIR $ENV{LITHE_CACHE})
elseif(DEFINED ENV{XDG_CACHE_HOME})
  set(LITHE_CACHE_DIR $ENV{XDG_CACHE_HOME}/lithe)
else()
  set(LITHE_CACHE_DIR $ENV{HOME}/.cache/lithe)
endif()

set(recipe ${CMAKE_CURRENT_LIST_DIR}/third_party)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipe}/archives.txt ${recipe}/CMakeLists.txt)
file(READ ${recipe}/archives.txt archives)
file(READ ${recipe}/CMakeLists.txt libraries)
string(SHA256 hash "${archives}${libraries}")
string(SUBSTRING ${hash} 0 12 hash)
set(LITHE_PREFIXES ${LITHE_TOOLCHAIN})
list(TRANSFORM LITHE_PREFIXES REPLACE "(.+)" "${LITHE_CACHE_DIR}/prefix/\\1-${hash}")
foreach(prefix ${LITHE_PREFIXES})
  if(NOT IS_DIRECTORY ${prefix})
    message(FATAL_ERROR "${prefix} is missing: run tools/setup.sh first (tools/setup.sh --target all for every preset)")
  endif()
endforeach()
list(PREPEND CMAKE_PREFIX_PATH ${LITHE_PREFIXES})
set(LITHE_FETCH OFF)
