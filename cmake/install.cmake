include(GNUInstallDirs)
install(TARGETS giothongd giothong RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY config/plans config/rounds config/reference DESTINATION ${CMAKE_INSTALL_DATADIR}/giothong)
