# giothong_embed(TARGET NAME FILE...): the bytes of files as C arrays in the program, so that a
# daemon never depends on where it was started. See include/base/embedded.h.
set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed-files.cmake)

function(giothong_embed target name)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.c)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DOUTPUT=${source} "-DFILES=${ARGN}" -P ${EMBED_SCRIPT}
    DEPENDS ${ARGN} ${EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
