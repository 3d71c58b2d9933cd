# docmind_embed_page(target): builds web/ with npm and adds it to the target as page_files() of server/page_files.h.
# Run as a script (cmake -P) it is the build of the page itself; see the end of this file.

# npm ci only when the lock file is newer than what is installed. Several build folders share web/node_modules.
function(docmind_install_page_packages npm web)
  set(installed "${web}/node_modules/.package-lock.json")
  if(EXISTS "${installed}" AND NOT "${web}/package-lock.json" IS_NEWER_THAN "${installed}")
    return()
  endif()
  # CMake empties what it locks, so not the lock file itself; dist/ is ignored by git.
  file(MAKE_DIRECTORY "${web}/dist")
  file(LOCK "${web}/dist" DIRECTORY GUARD FUNCTION TIMEOUT 600)
  if(EXISTS "${installed}" AND NOT "${web}/package-lock.json" IS_NEWER_THAN "${installed}")
    return()
  endif()
  execute_process(COMMAND "${npm}" ci --ignore-scripts --no-audit --no-fund --loglevel=error
                  WORKING_DIRECTORY "${web}" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_VARIABLE why)
  if(failed)
    message(FATAL_ERROR "npm ci in ${web} failed:\n${why}\nThe page needs the npm registry once, for the packages "
            "vite, typescript and uplot of web/package-lock.json; run 'npm ci' there with a network, or configure "
            "with -DDOCMIND_PAGE=OFF for a server without the page.")
  endif()
  file(TOUCH "${installed}")
endfunction()

# The built files go to a folder beside `out`, nothing into web/ but node_modules.
function(docmind_build_page node npm web out)
  docmind_install_page_packages("${npm}" "${web}")
  get_filename_component(folder "${out}" DIRECTORY)
  set(dist "${folder}/page_dist")
  execute_process(COMMAND "${node}" node_modules/vite/bin/vite.js build --outDir "${dist}" --emptyOutDir
                          --logLevel warn
                  WORKING_DIRECTORY "${web}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "vite could not build the page in ${web}; its own message stands above")
  endif()
  execute_process(COMMAND "${node}" embed.mjs "${dist}" "${out}" WORKING_DIRECTORY "${web}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "web/embed.mjs could not turn ${dist} into ${out}")
  endif()
endfunction()

function(docmind_embed_page target)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/page_files.cc")
  if(NOT DOCMIND_PAGE)
    file(CONFIGURE OUTPUT "${out}" @ONLY CONTENT "// Generated: built with DOCMIND_PAGE=OFF.
#include \"server/page_files.h\"
namespace docmind::server {
std::span<const PageFile> page_files() { return {}; }
}  // namespace docmind::server
")
    target_sources(${target} PRIVATE "${out}")
    return()
  endif()
  find_program(DOCMIND_NODE NAMES node nodejs)
  find_program(DOCMIND_NPM npm)
  if(NOT DOCMIND_NODE OR NOT DOCMIND_NPM)
    message(FATAL_ERROR "The page is built with Node.js (18 or newer) and npm: install the Debian packages nodejs "
            "and npm (scripts/setup.sh does), or configure with -DDOCMIND_PAGE=OFF for a server without the page.")
  endif()
  set(web "${PROJECT_SOURCE_DIR}/web")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${web}/src/*")
  set(script "${PROJECT_SOURCE_DIR}/cmake/DocmindPage.cmake")
  add_custom_command(
    OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" "-DNODE=${DOCMIND_NODE}" "-DNPM=${DOCMIND_NPM}" "-DWEB=${web}" "-DOUT=${out}"
            -P "${script}"
    DEPENDS ${sources} "${web}/index.html" "${web}/vite.config.ts" "${web}/package.json" "${web}/package-lock.json"
            "${web}/embed.mjs" "${script}"
    COMMENT "Building the page"
    VERBATIM)
  set_source_files_properties("${out}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE "${out}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  docmind_build_page("${NODE}" "${NPM}" "${WEB}" "${OUT}")
else()
  option(DOCMIND_PAGE "Build the web page (needs Node.js and npm) and embed it in the server" ON)
endif()
