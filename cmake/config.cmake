# Kconfig: the board's numbers become .config and autoconf.h, which each file is compiled with.
# An unknown symbol or a value out of its range stops the configure.

# A python of the user's own that stands first on the PATH may not see Debian's kconfiglib.
find_program(TG_PYTHON python3 HINTS /usr/bin NO_DEFAULT_PATH)
find_program(TG_PYTHON python3 REQUIRED)

file(GLOB TG_KCONFIG_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/Kconfig
	${PROJECT_SOURCE_DIR}/*/Kconfig ${PROJECT_SOURCE_DIR}/*/*/Kconfig)
set(TG_DEFCONFIGS ${PROJECT_SOURCE_DIR}/board/${TG_BOARD}/defconfig)
if(TG_NET STREQUAL "lwip")
	list(APPEND TG_DEFCONFIGS ${PROJECT_SOURCE_DIR}/platform/lwip/defconfig)
endif()
list(APPEND TG_DEFCONFIGS ${TG_CONFIG})
if(EXISTS ${PROJECT_BINARY_DIR}/menu.config)
	list(APPEND TG_DEFCONFIGS ${PROJECT_BINARY_DIR}/menu.config)
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
	${TG_KCONFIG_FILES} ${TG_DEFCONFIGS} ${PROJECT_SOURCE_DIR}/tools/kconfig.py)

set(TG_KCONFIG_COMMAND ${TG_PYTHON} ${PROJECT_SOURCE_DIR}/tools/kconfig.py)
execute_process(
	COMMAND ${TG_KCONFIG_COMMAND} generate ${PROJECT_BINARY_DIR} ${TG_DEFCONFIGS}
	WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} RESULT_VARIABLE TG_KCONFIG_RESULT)
if(NOT TG_KCONFIG_RESULT EQUAL 0)
	message(FATAL_ERROR "The configuration above is refused; mend it and configure again.")
endif()
add_custom_target(menuconfig
	COMMAND ${TG_KCONFIG_COMMAND} menu ${PROJECT_BINARY_DIR} ${TG_DEFCONFIGS}
	COMMAND ${CMAKE_COMMAND} ${PROJECT_BINARY_DIR}
	WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} USES_TERMINAL VERBATIM)
