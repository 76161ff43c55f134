# The tests over lwIP, each in a network namespace of its own (tests/lwip/netns.py). They are run by
# the build over lwIP itself, and by host, which makes that build as BUILD-lwip first.
set(TG_LWIP_UNITS net conn loop tls tls_reset http http_proxy http_pull https_answers https_sink
	rvn_sink rvn_sink_answers)
set(TG_LWIP_OWN names pools)

# Habits of one test: which program, and what it says when it cannot run.
function(tg_lwip_habits name build)
	set_tests_properties(${name} PROPERTIES LABELS "lwip;house" SKIP_RETURN_CODE 77
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} FIXTURES_REQUIRED lwip
		ENVIRONMENT "TIDEGATE=${build}/tidegate;TIDEGATE_LWIP_BUILD=${build};\
TIDEGATE_BUILD=${PROJECT_BINARY_DIR};TIDEGATE_BOARD=${TG_BOARD};PYTHONDONTWRITEBYTECODE=1")
endfunction()

# All tests of the programs in `build`.
function(tg_lwip_ring build)
	foreach(name ${TG_LWIP_UNITS})
		add_test(NAME lwip.${name} COMMAND ${TG_PYTHON} tests/lwip/inside.py
			${build}/tests/unit_${name})
		tg_lwip_habits(lwip.${name} ${build})
	endforeach()
	# A large body that is taken byte by byte is many turns of its threads.
	set_property(TEST lwip.http_pull APPEND PROPERTY ENVIRONMENT TIDEGATE_SLOW=1)
	foreach(name ${TG_LWIP_OWN})
		add_test(NAME lwip.${name} COMMAND ${TG_PYTHON} tests/lwip/inside.py
			${build}/tests/lwip_${name})
		tg_lwip_habits(lwip.${name} ${build})
	endforeach()
	foreach(name sync ravendb)
		add_test(NAME lwip.${name} COMMAND ${TG_PYTHON} tests/lwip/test_${name}.py)
		tg_lwip_habits(lwip.${name} ${build})
	endforeach()
	set_property(TEST lwip.ravendb APPEND PROPERTY ENVIRONMENT TIDEGATE_RAVENDB=6.2.4
		DOTNET_TieredPGO=0)
	set_tests_properties(lwip.ravendb PROPERTIES COST 100
		FIXTURES_REQUIRED "lwip;ravendb_6.2.4")
endfunction()

if(NOT TG_NET STREQUAL "lwip")
	add_test(NAME lwip.build COMMAND ${TG_PYTHON} tools/lwip.py ${PROJECT_BINARY_DIR})
	set_tests_properties(lwip.build PROPERTIES LABELS "lwip;house" SKIP_RETURN_CODE 77
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} FIXTURES_SETUP lwip COST 100
		TIMEOUT 1200 ENVIRONMENT TIDEGATE_BOARD=${TG_BOARD})
	tg_lwip_ring(${PROJECT_BINARY_DIR}-lwip)
	add_test(NAME lwip.same COMMAND ${TG_PYTHON} tests/lwip/test_same.py)
	tg_lwip_habits(lwip.same ${PROJECT_BINARY_DIR}-lwip)
endif()
