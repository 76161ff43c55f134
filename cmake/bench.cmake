# The measuring programs of tools/bench: built with all else, so that they do not rot, and run by
# `./do bench` only.
file(GLOB programs CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/bench/*.c)
foreach(program ${programs})
	get_filename_component(name ${program} NAME_WE)
	add_executable(bench_${name} ${program})
	tg_link(bench_${name} tg_posix)
	set_target_properties(bench_${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endforeach()

# A slow disk by LD_PRELOAD: it must not be part of a program.
add_library(bench_delay MODULE tools/bench/delay/delay.c)
set_target_properties(bench_delay PROPERTIES PREFIX ""
	LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
target_link_options(bench_delay PRIVATE -no-pie)
target_compile_options(bench_delay PRIVATE -fPIC)
target_link_libraries(bench_delay PRIVATE ${CMAKE_DL_LIBS})
