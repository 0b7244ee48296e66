# The Debian package: cmake --build build/release --target package. deploy/package does it from a clean tree.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME giothong)
set(CPACK_PACKAGE_CONTACT "Giot Hong maintainers <maintainers@giothong.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "donation rounds and donor registry of a provincial Red Cross")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Giot Hong keeps the annual plan of blood donation rounds and what became
of each, and answers donors' text messages about when and where the next
one is: a daemon with a JSON API over PostgreSQL, and a command for the
administrator.
.
The package brings units for two daemons behind HAProxy; giothong-setup
makes the database.")
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Beside the libraries: pg_basebackup and psql of a server's version, what makes the users, who asks /readyz, kill of a reload.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "curl, fonts-dejavu-core, passwd, procps, postgresql-client-15 | postgresql-client (>= 15)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql-15 | postgresql (>= 15), haproxy (>= 2.6)")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "kannel, pgbackrest")
set(debian ${PROJECT_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm ${debian}/postrm ${debian}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
# /etc and /lib are absolute, the rest stands under /usr.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

configure_file(${debian}/changelog.in ${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian @ONLY)
giothong_install_compressed(${CMAKE_CURRENT_BINARY_DIR}/changelog.Debian changelog.Debian ${CMAKE_INSTALL_DOCDIR})

include(CPack)
