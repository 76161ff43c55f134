# The vendor libraries compiled from Debian's source packages, mbedTLS with a configuration of our
# own: the way to one small static program. Nothing of theirs enters the tree; sysroot/SOURCES in
# the build folder says which versions they are.
set(TG_SYSROOT ${PROJECT_BINARY_DIR}/sysroot)
execute_process(
	COMMAND ${TG_PYTHON} ${PROJECT_SOURCE_DIR}/tools/sysroot.py ${TG_SYSROOT}
	RESULT_VARIABLE TG_SYSROOT_RESULT)
if(NOT TG_SYSROOT_RESULT EQUAL 0)
	message(FATAL_ERROR "This board is built from these sources; mend it and try again.")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
	${PROJECT_SOURCE_DIR}/tools/sysroot.py ${PROJECT_SOURCE_DIR}/tools/debian.py)

set(lmdb ${TG_SYSROOT}/lmdb/libraries/liblmdb)
tg_source_library(source_lmdb SOURCES ${lmdb}/mdb.c ${lmdb}/midl.c)
# app/outbox/pages.h gives it its dirty pages, where layers.cmake links that before the C library.
if(TG_STATIC)
	set_property(SOURCE ${lmdb}/mdb.c APPEND PROPERTY COMPILE_DEFINITIONS
		malloc=tg_pages_malloc free=tg_pages_free)
endif()
add_library(vendor_lmdb INTERFACE)
target_include_directories(vendor_lmdb SYSTEM INTERFACE ${lmdb})
target_link_libraries(vendor_lmdb INTERFACE source_lmdb Threads::Threads)

# cJSON's header is found as <cjson/cJSON.h>, where Debian's package has it.
file(COPY ${TG_SYSROOT}/cjson/cJSON.h DESTINATION ${TG_SYSROOT}/include/cjson)
tg_source_library(source_cjson SOURCES ${TG_SYSROOT}/cjson/cJSON.c)
add_library(vendor_cjson INTERFACE)
target_include_directories(vendor_cjson SYSTEM INTERFACE ${TG_SYSROOT}/include)
target_link_libraries(vendor_cjson INTERFACE source_cjson m)

set(zlib ${TG_SYSROOT}/zlib)
# zlib's own switch for its tests: no tables of 8 KB for a CRC of eight bytes at a time.
tg_source_library(source_zlib DEFINES HAVE_UNISTD_H Z_TESTW=-1
	SOURCES ${zlib}/adler32.c ${zlib}/crc32.c ${zlib}/deflate.c ${zlib}/trees.c ${zlib}/zutil.c
	${zlib}/inflate.c ${zlib}/inftrees.c ${zlib}/inffast.c)
add_library(vendor_zlib INTERFACE)
target_include_directories(vendor_zlib SYSTEM INTERFACE ${zlib})
target_link_libraries(vendor_zlib INTERFACE source_zlib)

set(mbedtls ${TG_SYSROOT}/mbedtls)
set(own_config "MBEDTLS_CONFIG_FILE=\"platform/mbedtls/own_config.h\"")
file(GLOB mbedtls_files ${mbedtls}/library/*.c ${mbedtls}/3rdparty/everest/library/*.c
	${mbedtls}/3rdparty/p256-m/*.c ${mbedtls}/3rdparty/p256-m/*/*.c)
tg_source_library(source_mbedtls SOURCES ${mbedtls_files} DEFINES ${own_config}
	PRIVATE ${PROJECT_SOURCE_DIR} ${mbedtls}/include ${mbedtls}/library
	${mbedtls}/3rdparty/everest/include ${mbedtls}/3rdparty/everest/include/everest)
# Its allocator clears the pool and installs itself: both by way of platform/mbedtls/pool_buffer.c.
set_property(SOURCE ${mbedtls}/library/memory_buffer_alloc.c APPEND PROPERTY COMPILE_OPTIONS
	-Dmbedtls_platform_set_calloc_free=tg_tls_pool_between
	-U_FORTIFY_SOURCE -Dmemset=tg_tls_pool_clear
	-include ${PROJECT_SOURCE_DIR}/platform/assert.h)
set(TG_TLS_POOL buffer)
# What every byte over TLS passes through is compiled for speed. On amd64 its AES instructions are
# reached through the compiler's own functions, which only these two files may use: a processor
# without them never gets there, and one with them has SSSE3 too.
set(bulk ${mbedtls}/library/gcm.c ${mbedtls}/library/aes.c ${mbedtls}/library/aesni.c
	${mbedtls}/library/aesce.c ${mbedtls}/library/chacha20.c ${mbedtls}/library/poly1305.c)
set_property(SOURCE ${bulk} APPEND PROPERTY COMPILE_OPTIONS -O3)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64)
	set_property(SOURCE ${mbedtls}/library/aes.c APPEND PROPERTY COMPILE_OPTIONS -maes -mpclmul)
	set_property(SOURCE ${mbedtls}/library/aesni.c APPEND PROPERTY COMPILE_OPTIONS
		-maes -mpclmul -mssse3)
endif()
set(TG_MBEDTLS_INCLUDE ${mbedtls}/include)
set(TG_MBEDTLS_DEFINES ${own_config})
set(TG_MBEDTLS_LIBRARIES source_mbedtls)
add_custom_target(mbedtls_copies)
