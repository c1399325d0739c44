# How a file is compiled is said in the file, by its second line:
#
#     // Compiled: small, for the target alone. It runs once per boot or per start of a guest.
#
# tests/checks/compiled.py has the words that may stand there.

# cairn_compiled(RESULT WORDS sources...): those sources that say WORDS of themselves.
function(cairn_compiled result words)
    foreach(source IN LISTS ARGN)
        file(STRINGS ${source} line REGEX "^(//|#) Compiled: [^.]*${words}[,.]" LIMIT_COUNT 1)
        if(line)
            list(APPEND found ${source})
        endif()
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    endforeach()
    set(${result} ${found} PARENT_SCOPE)
endfunction()
