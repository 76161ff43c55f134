SUMMARY = "Store-and-forward replication of RethinkDB and RavenDB"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

# The tree that this recipe lies in: inherit externalsrc, or a SRC_URI and SRCREV of your own.
inherit externalsrc cmake systemd
EXTERNALSRC = "${THISDIR}/../.."

DEPENDS = "mbedtls lmdb cjson zlib kconfiglib-native"
EXTRA_OECMAKE = "-DTG_BOARD=gateway-arm64 -DTG_TESTS=OFF"

do_install:append() {
	install -d ${D}${systemd_system_unitdir}
	install -m 0644 ${S}/packaging/systemd/tidegate.service ${D}${systemd_system_unitdir}
	install -m 0644 ${S}/packaging/systemd/tidegate.timer ${D}${systemd_system_unitdir}
	install -d -m 0700 ${D}${sysconfdir}/tidegate/credentials
}

SYSTEMD_SERVICE:${PN} = "tidegate.timer"
