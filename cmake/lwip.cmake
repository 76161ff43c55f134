# lwIP from Debian's source package, and platform/lwip over it in place of the kernel's sockets:
# -DTG_NET=lwip. Nothing of lwIP's enters the tree; sysroot-lwip/SOURCES in the build folder says
# which version it is.
set(sysroot ${PROJECT_BINARY_DIR}/sysroot-lwip)
execute_process(
	COMMAND ${TG_PYTHON} ${PROJECT_SOURCE_DIR}/tools/sysroot.py ${sysroot} lwip
	RESULT_VARIABLE result)
if(NOT result EQUAL 0)
	message(FATAL_ERROR "TG_NET=lwip is built from this source; mend it and try again.")
endif()

set(lwip ${sysroot}/lwip/src)
set(lwip_include ${lwip}/include ${PROJECT_SOURCE_DIR}/platform/lwip)
file(GLOB lwip_files ${lwip}/core/*.c ${lwip}/core/ipv4/*.c ${lwip}/core/ipv6/*.c ${lwip}/api/*.c)
tg_source_library(source_lwip SOURCES ${lwip_files} ${lwip}/netif/ethernet.c
	PRIVATE ${PROJECT_SOURCE_DIR} ${lwip_include})

# What the two stacks have in common is compiled once more: clock, randomness, signals.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/platform/lwip/*.c)
add_library(tg_lwip STATIC ${files} platform/posix/clock.c platform/posix/random.c
	platform/posix/signals.c)
target_include_directories(tg_lwip SYSTEM PRIVATE ${lwip_include})
target_link_libraries(tg_lwip PUBLIC Threads::Threads)
# Each calls the other.
set(TG_MACHINE tg_lwip source_lwip)
