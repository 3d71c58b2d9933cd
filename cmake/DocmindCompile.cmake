# Compiler settings common to every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_library(docmind_flags INTERFACE)
target_compile_options(docmind_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Werror=unused-result -Werror=return-type -fno-omit-frame-pointer)
# GCC 12 reports overlaps that cannot be in inlined std::string code (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(docmind_flags INTERFACE -Wno-restrict)
endif()
# In a batch every file is "included", and its unnamed namespace looks like a header's.
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(docmind_flags INTERFACE -Wno-subobject-linkage)
endif()
if(DOCMIND_SANITIZE)
  target_compile_options(docmind_flags INTERFACE -fsanitize=${DOCMIND_SANITIZE}
                         -fno-sanitize-recover=all)
  target_link_options(docmind_flags INTERFACE -fsanitize=${DOCMIND_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
endif()
find_program(MOLD mold)
if(MOLD AND NOT DOCMIND_FUZZ)
  target_link_options(docmind_flags INTERFACE -fuse-ld=mold)
endif()

# What the kernels of each instruction set are compiled with: speed whatever the build type, since
# a test run through unoptimised kernels would take minutes.
set(DOCMIND_FLAGS_avx2 -O3 -mavx2 -mfma -mf16c -mbmi2 -ffp-contract=off)
set(DOCMIND_FLAGS_avx512 ${DOCMIND_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl
    -mavx512vnni -mavx512bf16 -mprefer-vector-width=512)
# GCC 12 takes the undefined operand of its own intrinsics for a mistake (its bug 105593).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND DOCMIND_FLAGS_avx512 -Wno-maybe-uninitialized -Wno-uninitialized)
endif()
