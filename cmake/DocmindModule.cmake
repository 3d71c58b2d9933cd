# docmind_module(NAME DEPS modules... LIBS libraries...): a static library of src/NAME/*.cc.
function(docmind_module name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cc"
       "${PROJECT_SOURCE_DIR}/src/${name}/*/*.cc")
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(docmind_${name} STATIC ${sources})
  target_include_directories(docmind_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(docmind_${name} PUBLIC ${ARG_LIBS} PRIVATE docmind_flags)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(docmind_${name} PUBLIC docmind_${dep})
  endforeach()
  set_target_properties(docmind_${name} PROPERTIES LINKER_LANGUAGE CXX)
endfunction()
