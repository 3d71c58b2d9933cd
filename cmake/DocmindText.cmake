# docmind_embed_text(target FILE file SYMBOL name): a text file as `extern const std::string_view name` of the
# namespace docmind::<target without docmind_>.
function(docmind_embed_text target)
  cmake_parse_arguments(ARG "" "FILE;SYMBOL" "" ${ARGN})
  string(REPLACE "docmind_" "" module ${target})
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${ARG_SYMBOL}.cc")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${ARG_FILE}")
  file(READ "${ARG_FILE}" text)
  # One literal of all lines; the delimiter occurs in no JSON or text of ours.
  file(CONFIGURE OUTPUT "${generated}" @ONLY NEWLINE_STYLE UNIX CONTENT
"#include <string_view>
namespace docmind::${module} {
extern const std::string_view ${ARG_SYMBOL};
const std::string_view ${ARG_SYMBOL} = R\"embedded(@text@)embedded\";
}  // namespace docmind::${module}
")
  target_sources(${target} PRIVATE "${generated}")
endfunction()
