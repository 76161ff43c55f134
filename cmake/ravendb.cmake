# Tests on real RavenDB servers. servers.fetch_VERSION puts one together and is the fixture of
# servers.ravendb_VERSION, which tries it, and of e2e.ravendb.NAME-VERSION, one for each
# tests/e2e/ravendb/test_NAME.py. Where it cannot be had, each of them is skipped and says why.
#
# Version 6.2.4 is in every run; the label `versions` is on the others.
set(TG_RAVENDB_VERSIONS 6.2.4 5.4.207 7.1.5)
# Of these the other builds learn something too; the rest has the label `once`: host alone runs it.
set(TG_RAVENDB_TWICE copy walk)

# One test against one version.
function(tg_ravendb name version labels)
	if(NOT version STREQUAL "6.2.4")
		list(APPEND labels versions)
	endif()
	add_test(NAME ${name} COMMAND ${TG_PYTHON} ${ARGN})
	tg_test_properties(${name} "${labels}")
	# .NET would compile what is called often a second time to watch it, and then once more: for
	# servers of two minutes that is a third of all they do.
	set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT TIDEGATE_RAVENDB=${version}
		DOTNET_TieredPGO=0)
	set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED ravendb_${version})
endfunction()

add_test(NAME servers.assemble COMMAND ${TG_PYTHON} tests/servers/ravendb/test_assemble.py)
tg_test_properties(servers.assemble house)

file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/e2e/ravendb/test_*.py)
foreach(version ${TG_RAVENDB_VERSIONS})
	add_test(NAME servers.fetch_${version}
		COMMAND ${TG_PYTHON} tests/servers/ravendb fetch ${version})
	set(labels ravendb)
	if(NOT version STREQUAL "6.2.4")
		list(APPEND labels versions)
	endif()
	tg_test_properties(servers.fetch_${version} "${labels}")
	set_tests_properties(servers.fetch_${version} PROPERTIES
		FIXTURES_SETUP ravendb_${version} TIMEOUT 1800)
	tg_ravendb(servers.ravendb_${version} ${version} "ravendb;house"
		tests/servers/ravendb/test_server.py)
	foreach(test ${tests})
		string(REGEX REPLACE "^.*/test_(.*)\\.py$" "\\1" name ${test})
		set(labels ravendb e2e)
		if(NOT name IN_LIST TG_RAVENDB_TWICE)
			list(APPEND labels once)
		endif()
		tg_ravendb(e2e.ravendb.${name}-${version} ${version} "${labels}" ${test})
	endforeach()
endforeach()
