# What goes where: cmake --install, and the Debian package of cmake/package.cmake.
include(GNUInstallDirs)
set(share ${CMAKE_INSTALL_DATADIR}/giothong)
set(etc /etc/giothong)
set(units /lib/systemd/system)           # where Debian 12 looks

install(TARGETS giothongd giothong RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(PROGRAMS deploy/giothong-setup deploy/giothong-restart DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(DIRECTORY config/plans config/rounds config/reference config/eligibility config/tariffs config/honours DESTINATION ${share}
        PATTERN README.md EXCLUDE)
install(FILES deploy/giothong.ini DESTINATION ${etc})

file(GLOB unit_files CONFIGURE_DEPENDS deploy/systemd/*.service deploy/systemd/*.target deploy/systemd/*.timer)
install(FILES ${unit_files} DESTINATION ${units})
install(FILES deploy/systemd/giothong.sysusers DESTINATION lib/sysusers.d RENAME giothong.conf)

# Examples and parts that people copy: the proxy, PostgreSQL, the gateway, a database elsewhere.
file(GLOB folders LIST_DIRECTORIES true CONFIGURE_DEPENDS deploy/haproxy deploy/pgbackrest deploy/postgresql)
install(DIRECTORY ${folders} DESTINATION ${share}/deploy USE_SOURCE_PERMISSIONS)
install(FILES deploy/kannel.conf DESTINATION ${share}/deploy)
install(FILES deploy/systemd/remote-database.conf DESTINATION ${share}/deploy/systemd)

install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME deploy.md)
install(FILES config/eligibility/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME eligibility.md)
install(FILES config/tariffs/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME tariffs.md)
install(FILES config/honours/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME honours.md)
install(FILES deploy/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME giothong)

# Debian wants these compressed, and the same bytes each time.
function(giothong_install_compressed source name folder)
  set(target ${CMAKE_CURRENT_BINARY_DIR}/compressed/${name}.gz)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/compressed)
  execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${target} COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  install(FILES ${target} DESTINATION ${folder})
endfunction()

file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/deploy/man/*.[18])
foreach(page IN LISTS pages)
  get_filename_component(name ${page} NAME)
  string(REGEX MATCH "[18]$" section ${name})
  giothong_install_compressed(${page} ${name} ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

include(cmake/package.cmake)
