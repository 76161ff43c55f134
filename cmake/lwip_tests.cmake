# The programs that test a build over lwIP: those of the unit ring that open sockets, unchanged, and
# lwIP's own. cmake/lwip_ring.cmake runs them.
include(cmake/lwip_ring.cmake)

function(tg_lwip_program name source)
	add_executable(${name} ${source})
	set_target_properties(${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	target_link_libraries(${name} PRIVATE tests_unit)
	tg_link(${name} "${TG_MACHINE}")
endfunction()

add_library(tests_unit STATIC tests/unit/peer.c)
foreach(name ${TG_LWIP_UNITS})
	tg_lwip_program(unit_${name} tests/unit/test_${name}.c)
endforeach()
foreach(name ${TG_LWIP_OWN})
	tg_lwip_program(lwip_${name} tests/lwip/test_${name}.c)
endforeach()
target_include_directories(lwip_pools SYSTEM PRIVATE ${lwip_include})

tg_lwip_ring(${PROJECT_BINARY_DIR})
