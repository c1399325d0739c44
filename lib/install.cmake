# What `cmake --install` gives: the library, its headers, and the CMake package `cairn`.
#
#   include/cairn/...                        headers, the same for every machine: the public ones, and
#                                            of the rooms what those include
#   lib/                                     libcairn.a, objects of cairn::new, cmake/cairn (host)
#   lib/riscv64-unknown-elf/                 the same for the target, and so for other bare machines;
#                                            one prefix can hold all
#   share/cairn/cairn.ld, riscv64-elf.cmake  for programs of bare machines
if(CAIRN_TARGET AND CMAKE_LIBRARY_ARCHITECTURE)
    set(CMAKE_INSTALL_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE})
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/cairn)

set_target_properties(cairn_lib PROPERTIES EXPORT_NAME lib)
set_target_properties(cairn_new PROPERTIES EXPORT_NAME new)
install(TARGETS cairn_lib cairn_new EXPORT cairn
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        OBJECTS DESTINATION ${CMAKE_INSTALL_LIBDIR}/cairn)
file(GLOB waiting CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} cairn/*.hpp)
set(installed ${waiting})
while(waiting)
    list(POP_FRONT waiting header)
    file(STRINGS ${header} included REGEX "^#include \"cairn/")
    list(TRANSFORM included REPLACE "^#include \"(.*)\".*" "\\1")
    list(REMOVE_ITEM included ${installed})
    list(APPEND installed ${included})
    list(APPEND waiting ${included})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
endwhile()
foreach(header IN LISTS installed)
    cmake_path(GET header PARENT_PATH folder)
    install(FILES ${header} DESTINATION include/${folder})
endforeach()
if(CAIRN_TARGET)
    set(toolchains ${PROJECT_SOURCE_DIR}/tools/cmake)
    install(FILES cairn.ld ${toolchains}/riscv64-elf.cmake ${toolchains}/riscv32-elf.cmake
            ${toolchains}/arm-none-eabi.cmake DESTINATION share/cairn)
endif()

install(EXPORT cairn NAMESPACE cairn:: FILE cairn-targets.cmake DESTINATION ${package_dir})
set(config_file ${CMAKE_CURRENT_BINARY_DIR}/cairn-config.cmake)
set(version_file ${CMAKE_CURRENT_BINARY_DIR}/cairn-config-version.cmake)
file(WRITE ${config_file} "include(\"\${CMAKE_CURRENT_LIST_DIR}/cairn-targets.cmake\")\n")
write_basic_package_version_file(${version_file} COMPATIBILITY SameMinorVersion)
# A host's library is no bare machine's, even where both have 64 bits.
set(machine "${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}")
file(APPEND ${version_file} "
if(NOT \"\${CMAKE_SYSTEM_NAME} \${CMAKE_SYSTEM_PROCESSOR}\" STREQUAL \"${machine}\")
    set(PACKAGE_VERSION \"\${PACKAGE_VERSION} for ${machine}\")
    set(PACKAGE_VERSION_UNSUITABLE TRUE)
endif()
")
install(FILES ${config_file} ${version_file} DESTINATION ${package_dir})
