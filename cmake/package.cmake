# The Debian package: `./do package`. The same tree gives the same bytes: SOURCE_DATE_EPOCH is set
# by the caller, and nothing else of the moment or the machine enters.
option(TG_PACKAGE "Make the manual pages and completions, and let cpack make a .deb")

if(TG_PACKAGE)
	find_program(TG_GZIP gzip REQUIRED)
	set(TG_MANUAL ${PROJECT_BINARY_DIR}/manual)
	set(packaging ${PROJECT_SOURCE_DIR}/packaging)
	file(GLOB texts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
	add_custom_command(OUTPUT ${TG_MANUAL}/tidegate.1.gz
		COMMAND ${CMAKE_COMMAND} -E rm -rf ${TG_MANUAL}
		COMMAND ${TG_PYTHON} ${PROJECT_SOURCE_DIR}/tools/manual.py ${TG_MANUAL}
			${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:tidegate>
		COMMAND ${CMAKE_COMMAND} -E copy ${PROJECT_SOURCE_DIR}/CHANGELOG.md
			${TG_MANUAL}/changelog
		COMMAND ${CMAKE_COMMAND} -E copy ${packaging}/debian/changelog
			${TG_MANUAL}/changelog.Debian
		COMMAND ${TG_GZIP} -9n ${TG_MANUAL}/tidegate.1 ${TG_MANUAL}/tidegate.json.5
			${TG_MANUAL}/changelog ${TG_MANUAL}/changelog.Debian
		DEPENDS tidegate ${PROJECT_SOURCE_DIR}/tools/manual.py
			${PROJECT_SOURCE_DIR}/CHANGELOG.md ${packaging}/debian/changelog
			${packaging}/tidegate.json
			${PROJECT_SOURCE_DIR}/docs/tidegate.schema.json
		WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
		COMMENT "Manual pages and completions" VERBATIM COMMAND_EXPAND_LISTS)
	add_custom_target(manual ALL DEPENDS ${TG_MANUAL}/tidegate.1.gz)

	install(FILES ${TG_MANUAL}/tidegate.1.gz DESTINATION share/man/man1)
	install(FILES ${TG_MANUAL}/tidegate.json.5.gz DESTINATION share/man/man5)
	install(FILES ${TG_MANUAL}/tidegate.bash RENAME tidegate
		DESTINATION share/bash-completion/completions)
	install(FILES ${TG_MANUAL}/_tidegate DESTINATION share/zsh/vendor-completions)
	install(FILES ${packaging}/debian/lintian-overrides RENAME tidegate
		DESTINATION share/lintian/overrides)
	install(FILES ${TG_MANUAL}/changelog.gz ${TG_MANUAL}/changelog.Debian.gz ${texts}
		${packaging}/debian/copyright ${PROJECT_SOURCE_DIR}/docs/tidegate.schema.json
		DESTINATION share/doc/tidegate)
	install(FILES ${packaging}/tidegate.json DESTINATION share/doc/tidegate/examples)
	install(FILES ${packaging}/systemd/tidegate.service ${packaging}/systemd/tidegate.timer
		DESTINATION /lib/systemd/system)
	install(DIRECTORY DESTINATION /etc/tidegate/credentials DIRECTORY_PERMISSIONS
		OWNER_READ OWNER_WRITE OWNER_EXECUTE)

	set(CPACK_GENERATOR DEB)
	set(CPACK_PACKAGE_NAME tidegate)
	set(CPACK_PACKAGE_CONTACT "the tidegate developers <tidegate@example.com>")
	set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "store-and-forward replication for gateways")
	set(CPACK_PACKAGE_DESCRIPTION
		"Reads every table of a RethinkDB or RavenDB, keeps what it read in a
crash-safe store and forwards it in batches to files, HTTPS endpoints or a
RavenDB when the link allows: nothing lost, nothing doubled, deletes
included, on a fixed few megabytes of memory.")
	set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
	set(CPACK_STRIP_FILES OFF)
	set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
		GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
	set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
	set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
	set(CPACK_DEBIAN_PACKAGE_SECTION net)
	set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
	set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst
		${packaging}/debian/prerm ${packaging}/debian/postrm)
	set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
	set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
	include(CPack)
endif()
