# What every file of ours is compiled with.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Sanitize" FORCE)
endif()

# TG_ASSERT stays on in release, so no flag here defines NDEBUG.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -D_FORTIFY_SOURCE=2")
set(CMAKE_C_FLAGS_SANITIZE
	"-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all")

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
	-Wvla -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Werror
	-fstack-protector-strong -ffunction-sections -fdata-sections
	"SHELL:-include ${PROJECT_BINARY_DIR}/autoconf.h")
add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE TG_VERSION="${PROJECT_VERSION}")
include_directories(${PROJECT_SOURCE_DIR})
add_link_options(-Wl,--gc-sections)

# musl's specs know no static PIE, so a static program lies at a fixed address. Then tables of
# pointers are constants in .rodata, and no start-up code would lock a RELRO segment: musl does so
# in its dynamic linker only. Its alignment to 64 KiB pages alone would cost up to 64 KB of file.
if(TG_STATIC)
	set(TG_PLACE -fno-pie)
	add_link_options(-static -no-pie -Wl,--build-id=none -Wl,-z,norelro)
else()
	set(TG_PLACE -fPIE)
	add_link_options(-pie -Wl,-z,relro,-z,now)
endif()
add_compile_options(${TG_PLACE})

if(TG_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Line numbers are all that a sanitizer's report needs; the linker has half as much to do.
if(CMAKE_BUILD_TYPE STREQUAL "Sanitize")
	add_compile_options(-g1)
endif()

# Plain builds of one compiler share the objects that do not depend on a board's numbers: host,
# tiny, lwip, tls36. To ccache their folders look the same when paths below the tree are relative.
# Nobody shares the others' objects, so these need not be preprocessed first to be looked up.
find_program(TG_CCACHE ccache)
if(TG_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
	set(habits CCACHE_DEPEND=1)
	if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release"
			AND NOT TG_SMALL)
		set(habits CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1)
	endif()
	set(CMAKE_C_COMPILER_LAUNCHER env ${habits} ${TG_CCACHE})
endif()

# Optimised as a whole and for size. No path of the building machine enters it: two builds give the
# same bytes.
if(TG_SMALL)
	set(CMAKE_C_FLAGS_RELEASE "-Os -D_FORTIFY_SOURCE=2")
	set(TG_SMALL_OPTIONS -flto -fno-asynchronous-unwind-tables
		-fno-unwind-tables -fomit-frame-pointer -fmerge-all-constants
		-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.
		-ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
	# Machine code beside what the linker optimises: the tests are linked from it in no time. It
	# shows in the program where it is made: gcc puts one or the other instruction elsewhere.
	if(TG_TESTS)
		list(APPEND TG_SMALL_OPTIONS -ffat-lto-objects)
	endif()
	add_compile_options(${TG_SMALL_OPTIONS})
	add_link_options(-Os -ffunction-sections -fdata-sections -fno-pie
		-flto=auto -flto-partition=one -frandom-seed=tidegate -s)
endif()
