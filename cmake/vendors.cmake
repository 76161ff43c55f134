# Other people's libraries, from the system's packages. Static where our fault tests must reach
# their system calls (LMDB) or their allocator (mbedTLS).
find_package(Threads REQUIRED)

# Their warnings are theirs: the flags of our own files are replaced.
function(tg_source_library name)
	cmake_parse_arguments(LIBRARY "" "" "SOURCES;DEFINES;PRIVATE" ${ARGN})
	add_library(${name} STATIC ${LIBRARY_SOURCES})
	set(options -w ${TG_PLACE} -ffunction-sections -fdata-sections ${TG_SMALL_OPTIONS}
		"SHELL:-include ${PROJECT_BINARY_DIR}/autoconf.h")
	set_target_properties(${name} PROPERTIES COMPILE_OPTIONS "${options}")
	target_compile_definitions(${name} PRIVATE ${LIBRARY_DEFINES})
	target_include_directories(${name} PRIVATE ${LIBRARY_PRIVATE})
endfunction()

if(TG_VENDOR STREQUAL "source")
	include(cmake/sources.cmake)
	return()
endif()

function(tg_vendor name header library)
	find_path(TG_${name}_INCLUDE ${header} REQUIRED)
	find_library(TG_${name}_LIBRARY ${library} REQUIRED)
	add_library(vendor_${name} INTERFACE)
	target_include_directories(vendor_${name} SYSTEM INTERFACE ${TG_${name}_INCLUDE})
	target_link_libraries(vendor_${name} INTERFACE ${TG_${name}_LIBRARY})
endfunction()

tg_vendor(lmdb lmdb.h liblmdb.a)
target_link_libraries(vendor_lmdb INTERFACE Threads::Threads)
tg_vendor(cjson cjson/cJSON.h cjson)
tg_vendor(zlib zlib.h z)

# mbedTLS. Debian's is built without an allocator hook, so its archives are copied with calloc and
# free renamed to ours, which serve them from a fixed pool.
find_path(TG_MBEDTLS_INCLUDE mbedtls/ssl.h REQUIRED)
set(TG_TLS_POOL lists)
set(TG_MBEDTLS_LIBRARIES)
foreach(part tls x509 crypto)
	find_library(TG_MBED_${part} libmbed${part}.a REQUIRED)
	set(copy ${PROJECT_BINARY_DIR}/libtgmbed${part}.a)
	add_custom_command(OUTPUT ${copy}
		COMMAND ${CMAKE_OBJCOPY} --redefine-sym calloc=tg_tls_calloc
			--redefine-sym free=tg_tls_free ${TG_MBED_${part}} ${copy}
		DEPENDS ${TG_MBED_${part}} COMMENT "libmbed${part}.a with our allocator" VERBATIM)
	list(APPEND TG_MBEDTLS_COPIES ${copy})
	list(APPEND TG_MBEDTLS_LIBRARIES ${copy})
endforeach()
add_custom_target(mbedtls_copies DEPENDS ${TG_MBEDTLS_COPIES})
