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
