# The tests, ring by ring: each tests/RING/test_NAME.c is a program and the CTest test RING.NAME,
# each test_NAME.py a CTest test as well. Other *.c of a ring's folder are linked into all its
# programs. Exit status 77 is a skip; the test prints the reason as "SKIP: reason".

set(TG_TEST_ENVIRONMENT
	"TIDEGATE=$<IF:$<TARGET_EXISTS:tidegate>,${PROJECT_BINARY_DIR}/tidegate,>"
	"TIDEGATE_BUILD=${PROJECT_BINARY_DIR}" "TIDEGATE_BOARD=${TG_BOARD}"
	"TIDEGATE_SANITIZE=$<CONFIG:Sanitize>" "PYTHONDONTWRITEBYTECODE=1"
	"UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1")

# Tests that open a store. musl's LMDB wants robust mutexes, which qemu-user has not: of a build for
# another machine they run in its VM.
set(TG_STORE_TESTS "^(unit\\.(intake|mend|outbox|path)(_.*)?|sim\\.(agent|young))$")
add_custom_target(tests)
set(TG_APART)
# Lets a long loop be shorter where a tool makes each step slow.
set(TG_SLOW "TIDEGATE_SLOW=1")
if(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
	set(TG_HAS_MACHINE ON)
endif()
if(CMAKE_CROSSCOMPILING)
	set(TG_APART EXCLUDE_FROM_ALL)
	list(APPEND TG_TEST_ENVIRONMENT ${TG_SLOW})
endif()

# Sets `out` to the labels of the test RING.NAME.
function(tg_store_label out ring name)
	set(labels ${ring})
	if("${ring}.${name}" MATCHES "${TG_STORE_TESTS}")
		list(APPEND labels store)
	endif()
	set(${out} "${labels}" PARENT_SCOPE)
endfunction()

# They start first, so that none of them runs alone at the end.
set(TG_LONG_TESTS "kill|walk|^e2e|^fault|^vm|^powercut|^servers|^sim\\.(agent|young)")
string(APPEND TG_LONG_TESTS "|^valgrind\\.(outbox|file_power|index|intake)")
# Most tests wait more than they compute, so that more of them run at a time than there are
# processors; these keep two busy by themselves.
set(TG_BUSY_TESTS "^lint|^package|^tls36")

# Their checks take an optimiser longer than all that they check.
if(TG_TESTS_PLAIN)
	file(GLOB_RECURSE own CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*.c)
	set_source_files_properties(${own} PROPERTIES COMPILE_OPTIONS "-O0;-U_FORTIFY_SOURCE")
endif()

# Gives one CTest test the labels and habits of its ring. A test that kills processes is named so.
function(tg_test_properties name label)
	if(name MATCHES "kill")
		list(APPEND label kill)
	endif()
	if(name MATCHES "${TG_LONG_TESTS}")
		set_tests_properties(${name} PROPERTIES COST 100)
	endif()
	if(name MATCHES "${TG_BUSY_TESTS}")
		set_tests_properties(${name} PROPERTIES COST 200 PROCESSORS 2 TIMEOUT 1800)
	endif()
	set_tests_properties(${name} PROPERTIES LABELS "${label}" SKIP_RETURN_CODE 77
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} ENVIRONMENT "${TG_TEST_ENVIRONMENT}")
endfunction()

# Sets `out` to tests/RING/*.c that are not tests, and to those shared by all rings.
function(tg_helpers out ring)
	file(GLOB helpers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${ring}/*.c
		${PROJECT_SOURCE_DIR}/tests/*.c)
	list(FILTER helpers EXCLUDE REGEX "/(test|fuzz)_[^/]*\\.c$")
	set(${out} ${helpers} PARENT_SCOPE)
endfunction()

# One program of the tests. Of a build for another machine they are made by the target `tests`
# alone, from the objects that the shipped program is linked of, without optimising them anew.
function(tg_test_program program source)
	add_executable(${program} ${source})
	set_target_properties(${program} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
	if(CMAKE_CROSSCOMPILING)
		set_target_properties(${program} PROPERTIES EXCLUDE_FROM_ALL ON)
		target_link_options(${program} PRIVATE -fno-lto)
		add_dependencies(tests ${program})
	endif()
endfunction()

# A test that runs in the arm64 machine: all of them in one boot, by the test vm.store, whose
# fixture they share; each says what its program said and ends as it ended.
function(tg_in_machine name program labels)
	set_property(GLOBAL APPEND PROPERTY TG_IN_MACHINE $<TARGET_FILE:${program}>)
	add_test(NAME ${name} COMMAND ${TG_PYTHON} tests/vm/store.py tell ${program})
	tg_test_properties(${name} "${labels}")
	set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED vm_store)
endfunction()

# The C programs of one ring.
function(tg_ring ring machine)
	file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${ring}/test_*.c)
	tg_helpers(helpers ${ring})
	if(tests AND helpers)
		add_library(tests_${ring} STATIC ${TG_APART} ${helpers})
	endif()
	foreach(test ${tests})
		string(REGEX REPLACE "^.*/test_(.*)\\.c$" "\\1" name ${test})
		set(program ${ring}_${name})
		tg_test_program(${program} ${test})
		if(helpers)
			target_link_libraries(${program} PRIVATE tests_${ring})
		endif()
		tg_link(${program} ${machine})
		target_link_options(${program} PRIVATE ${ARGN})
		tg_store_label(label ${ring} ${name})
		if(TG_HAS_MACHINE AND "store" IN_LIST label)
			tg_in_machine(${ring}.${name} ${program} "${label}")
			continue()
		endif()
		add_test(NAME ${ring}.${name} COMMAND ${program})
		tg_test_properties(${ring}.${name} "${label}")
		# What valgrind watches is the heap, and there all memory is one static pool.
		if(TG_VALGRIND AND ring STREQUAL unit AND NOT name STREQUAL tls_pool)
			tg_valgrind(${program} ${name})
		endif()
	endforeach()
endfunction()

# The same unit program under valgrind.
function(tg_valgrind program name)
	add_test(NAME valgrind.${name} COMMAND ${PROJECT_SOURCE_DIR}/tools/valgrind.sh
		$<TARGET_FILE:${program}>)
	tg_test_properties(valgrind.${name} valgrind)
	set_property(TEST valgrind.${name} APPEND PROPERTY ENVIRONMENT ${TG_SLOW})
endfunction()

# The Python tests of one folder.
function(tg_python ring folder label)
	file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.py)
	foreach(test ${tests})
		string(REGEX REPLACE "^.*/test_(.*)\\.py$" "\\1" name ${test})
		add_test(NAME ${ring}.${name} COMMAND ${TG_PYTHON} ${test})
		tg_test_properties(${ring}.${name} "${label}")
	endforeach()
endfunction()

tg_ring(unit tg_posix)
target_link_options(unit_resolve PRIVATE -Wl,--wrap=getaddrinfo -Wl,--wrap=freeaddrinfo)
tg_ring(replay tg_posix)
tg_ring(sim tg_sim)

file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(fuzzer ${fuzzers})
	string(REGEX REPLACE "^.*/fuzz_(.*)\\.c$" "\\1" name ${fuzzer})
	tg_test_program(fuzz_${name} ${fuzzer})
	if(TG_FUZZ)
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
	else()
		target_sources(fuzz_${name} PRIVATE tests/fuzz/replay.c)
	endif()
	tg_link(fuzz_${name} tg_posix)
	if(NOT TG_FUZZ)
		add_test(NAME fuzz.${name}
			COMMAND fuzz_${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
		tg_test_properties(fuzz.${name} fuzz)
	endif()
endforeach()

# The program with LMDB opened unsynced: the power cut tests must see it lose records. Made by name
# only, and never shipped.
add_executable(tidegate-unsynced EXCLUDE_FROM_ALL app/main.c tests/powercut/unsynced.c)
tg_link(tidegate-unsynced tg_posix)
target_link_options(tidegate-unsynced PRIVATE -Wl,--wrap=mdb_env_open
	$<$<BOOL:${CMAKE_CROSSCOMPILING}>:-fno-lto>)

# The program within its board's budget; a build with sanitizers has none.
if(TARGET tidegate AND NOT CMAKE_BUILD_TYPE STREQUAL "Sanitize")
	add_test(NAME size COMMAND ${TG_PYTHON} tools/size.py ${PROJECT_BINARY_DIR}
		--budget board/${TG_BOARD}/size.budget)
	tg_test_properties(size size)
endif()

# What follows runs the program itself, or is about the tree.
if(CMAKE_CROSSCOMPILING)
	get_property(programs GLOBAL PROPERTY TG_IN_MACHINE)
	if(NOT TG_HAS_MACHINE)
		return()
	endif()
	add_test(NAME vm.store COMMAND ${TG_PYTHON} tests/vm/store.py run ${programs})
	tg_test_properties(vm.store vm)
	set_tests_properties(vm.store PROPERTIES FIXTURES_SETUP vm_store)
	return()
endif()
include(cmake/bench.cmake)

# The fault ring reaches system calls by the linker's --wrap. tests/fault/wrap.txt names them, one a
# line; tidegate-fault is the whole program with the same wrappers, for tests that run it.
file(GLOB wrap_list CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fault/wrap.txt)
set(wraps)
if(wrap_list)
	file(STRINGS ${wrap_list} wrapped REGEX "^[a-z]")
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${wrap_list})
	list(TRANSFORM wrapped PREPEND "-Wl,--wrap=" OUTPUT_VARIABLE wraps)
endif()
tg_ring(fault tg_posix ${wraps})
if(wraps AND TARGET tidegate)
	tg_helpers(helpers fault)
	add_executable(tidegate-fault app/main.c ${helpers})
	tg_link(tidegate-fault tg_posix)
	target_link_options(tidegate-fault PRIVATE ${wraps})
	list(APPEND TG_TEST_ENVIRONMENT "TIDEGATE_FAULT=${PROJECT_BINARY_DIR}/tidegate-fault")
endif()

tg_python(replay replay replay)
tg_python(fault fault fault)
tg_python(e2e e2e e2e)
tg_python(sim_py rethinksim "e2e;once")
tg_python(tools tools house)
tg_python(package package package)
# A second build of everything, and at the first time a whole Debian.
set_tests_properties(package.debian13 PROPERTIES PROCESSORS 2 TIMEOUT 1800)
tg_python(vm vm "vm;once")
tg_python(powercut powercut "vm;once")
set_tests_properties(powercut.powercut PROPERTIES TIMEOUT 1200)
include(cmake/ravendb.cmake)
if(NOT CMAKE_CROSSCOMPILING)
	include(cmake/lwip_ring.cmake)
endif()

add_test(NAME tidy COMMAND ${TG_PYTHON} tools/tidy.py)
tg_test_properties(tidy house)
if(TG_LINT)
	foreach(linter clang_tidy cppcheck)
		add_test(NAME lint.${linter}
			COMMAND tools/lint.sh ${linter} ${PROJECT_BINARY_DIR})
		tg_test_properties(lint.${linter} lint)
	endforeach()
endif()

# mbedTLS 3.6 beside Debian's 2.28: a second build of the TLS tests against it.
if(NOT TG_VENDOR STREQUAL "source")
	add_test(NAME tls36
		COMMAND ${TG_PYTHON} tools/mbedtls36.py ${PROJECT_BINARY_DIR})
	tg_test_properties(tls36 house)
endif()
