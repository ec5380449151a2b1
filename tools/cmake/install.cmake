# SPDX-License-Identifier: Apache-2.0
# Headers, the CMake package and pkg-config files; without XNNPACK only what lithe::micro needs.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lithe)

# Found from where the .pc file lies, for `cmake --install --prefix` may put it anywhere.
set(includedir ${CMAKE_INSTALL_INCLUDEDIR})
if(NOT IS_ABSOLUTE "${includedir}")
  file(RELATIVE_PATH includedir /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR})
  set(includedir "\${pcfiledir}/${includedir}")
endif()

# NAME.pc, with the include folder and libraries of a dependency where this build found them. A dependency that is built along with
# lithe, and so is not installed yet, has no such place: then there is no file.
function(lithe_pkgconfig name description requires dependency)
  get_target_property(folders lithe::${dependency} INTERFACE_INCLUDE_DIRECTORIES)
  get_target_property(libraries lithe::${dependency} INTERFACE_LINK_LIBRARIES)
  set(cflags "-I\${includedir}")
  set(libs "")
  foreach(folder ${folders})
    if(folder)
      string(APPEND cflags " -I${folder}")
    endif()
  endforeach()
  foreach(library ${libraries})
    if(library STREQUAL "Threads::Threads")
      string(APPEND libs " -pthread")
    elseif(IS_ABSOLUTE "${library}")
      string(APPEND libs " ${library}")
    elseif(TARGET ${library})
      return()
    elseif(library)
      string(APPEND libs " -l${library}")
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${name}.pc @ONLY CONTENT "includedir=@includedir@

Name: @name@
Description: @description@
Version: @PROJECT_VERSION@
Requires: @requires@
Cflags: @cflags@
Libs:@libs@
")
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

install(TARGETS lithe_micro EXPORT lithe-micro-targets FILE_SET HEADERS)
install(EXPORT lithe-micro-targets NAMESPACE lithe:: DESTINATION ${package})
lithe_pkgconfig(lithe-micro "Header-only inference engine for firmware, with portable kernels" "" flatbuffers)
if(LITHE_XNNPACK)
  install(TARGETS lithe EXPORT lithe-targets FILE_SET HEADERS)
  install(EXPORT lithe-targets NAMESPACE lithe:: DESTINATION ${package})
  lithe_pkgconfig(lithe "Header-only inference engine with XNNPACK's kernels" lithe-micro xnnpack)
endif()

write_basic_package_version_file(lithe-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES tools/cmake/lithe-config.cmake tools/cmake/dependencies.cmake ${PROJECT_BINARY_DIR}/lithe-config-version.cmake
        DESTINATION ${package})
