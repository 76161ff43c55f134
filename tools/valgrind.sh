#!/bin/sh
# Runs a program under valgrind: an invalid access or a leak is a failure.
if ! command -v valgrind > /dev/null; then
	echo "SKIP: valgrind is not installed"
	exit 77
fi
exec valgrind --quiet --error-exitcode=9 --leak-check=full \
	--errors-for-leak-kinds=definite,indirect "$@"
