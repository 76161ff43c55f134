# The folders as libraries, and the program.

# The pool of TLS is the one that goes with the library: platform/mbedtls/pool.h.
file(GLOB TG_LEFT_OUT ${PROJECT_SOURCE_DIR}/platform/mbedtls/pool_*.c)
list(REMOVE_ITEM TG_LEFT_OUT ${PROJECT_SOURCE_DIR}/platform/mbedtls/pool_${TG_TLS_POOL}.c)

# Makes one static library of a folder's own *.c; a folder without any is passed over.
function(tg_folder name folder)
	file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
	list(REMOVE_ITEM sources ${PROJECT_SOURCE_DIR}/app/main.c ${TG_LEFT_OUT})
	if(NOT sources)
		return()
	endif()
	add_library(${name} STATIC ${sources})
	target_link_libraries(${name} PRIVATE ${ARGN})
endfunction()

# Sets `out` to the libraries of the list that exist.
function(tg_existing out)
	set(found)
	foreach(name ${ARGN})
		if(TARGET ${name})
			list(APPEND found ${name})
		endif()
	endforeach()
	set(${out} ${found} PARENT_SCOPE)
endfunction()

tg_folder(tg_cli app/cli)
tg_folder(tg_registry drivers)

# The codecs are called by the other drivers, so they stand behind them; http reads its members of
# the configuration through json.
file(GLOB driver_sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/drivers
	${PROJECT_SOURCE_DIR}/drivers/*/*.c)
list(TRANSFORM driver_sources REPLACE "/.*" "")
list(REMOVE_DUPLICATES driver_sources)
list(REMOVE_ITEM driver_sources http json)
set(TG_DRIVERS)
foreach(driver ${driver_sources})
	tg_folder(tg_${driver} drivers/${driver})
	list(APPEND TG_DRIVERS tg_${driver})
endforeach()
tg_folder(tg_http drivers/http vendor_zlib)
tg_folder(tg_json drivers/json vendor_cjson)

tg_folder(tg_app app)
tg_folder(tg_outbox app/outbox vendor_lmdb)

tg_folder(tg_mbedtls platform/mbedtls)
if(TARGET tg_mbedtls)
	target_include_directories(tg_mbedtls SYSTEM PRIVATE ${TG_MBEDTLS_INCLUDE})
	target_compile_definitions(tg_mbedtls PRIVATE ${TG_MBEDTLS_DEFINES})
endif()
tg_folder(tg_posix platform/posix)
tg_folder(tg_dial platform/dial)
tg_folder(tg_sim platform/sim)
tg_folder(tg_common platform/common)

# In a static program these stand before musl's. They must not become calls of themselves.
if(TG_STATIC)
	add_library(tg_memory OBJECT platform/musl/memory.c app/outbox/pages.c)
	target_compile_options(tg_memory PRIVATE -O2 -fno-lto -ffreestanding -fno-builtin
		-fno-tree-loop-distribute-patterns)
endif()

# Links `target` with every layer; `machine` is tg_posix, lwIP's two libraries, or tg_sim, which has
# a network of its own. Libraries of one layer may call each other: the linker searches them until
# nothing is missing.
function(tg_link target machine)
	if(NOT machine STREQUAL tg_sim)
		list(APPEND machine tg_dial)
	endif()
	add_dependencies(${target} mbedtls_copies)
	if(TG_STATIC)
		target_link_libraries(${target} PRIVATE $<TARGET_OBJECTS:tg_memory>)
	endif()
	tg_existing(top tg_cli tg_registry ${TG_DRIVERS} tg_http tg_json)
	tg_existing(path tg_app tg_outbox)
	tg_existing(platform tg_mbedtls ${machine} tg_common)
	target_link_libraries(${target} PRIVATE ${top})
	foreach(layer "${path}" "${platform};${TG_MBEDTLS_LIBRARIES}")
		list(JOIN layer "," members)
		target_link_libraries(${target} PRIVATE "$<LINK_GROUP:RESCAN,${members}>")
	endforeach()
	target_link_libraries(${target} PRIVATE vendor_lmdb vendor_cjson vendor_zlib)
endfunction()

if(EXISTS ${PROJECT_SOURCE_DIR}/app/main.c)
	add_executable(tidegate app/main.c)
	tg_link(tidegate "${TG_MACHINE}")
	# What tools/size.py reads.
	target_link_options(tidegate PRIVATE -Wl,-Map=${PROJECT_BINARY_DIR}/tidegate.map)
	install(TARGETS tidegate)
endif()

# What every row passes through is compiled for speed also where the program is small: some 60 KB
# for two thirds of the time.
if(TG_SMALL)
	set(TG_HOT app/crc32c app/intake_rows app/line app/outbox/append app/outbox/block
		app/outbox/index app/outbox/index_cache app/outbox/index_page app/outbox/index_walk
		app/outbox/read drivers/http/response drivers/http/window drivers/json/scan
		drivers/json/scan_fast drivers/json/scan_text drivers/json/text drivers/raven/fold
		drivers/raven/hash drivers/raven/key drivers/raven/meta drivers/raven/page
		drivers/raven/rows drivers/raven/shape drivers/raven/vector drivers/rethink/key
		drivers/rethink/response drivers/rethink/rows drivers/rethink/shape
		drivers/rethink/shape_out drivers/rethink/shape_value platform/mbedtls/sha1
		platform/mbedtls/sha1_x86)
	list(TRANSFORM TG_HOT APPEND .c)
	list(TRANSFORM TG_HOT PREPEND ${PROJECT_SOURCE_DIR}/)
	set_property(SOURCE ${TG_HOT} APPEND PROPERTY COMPILE_OPTIONS -O2)
endif()
