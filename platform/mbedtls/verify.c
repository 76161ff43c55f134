/* The peer's check. mbedTLS first walks the chain with no anchors at all and calls us for each of
 * its certificates; at the last call, the peer's own one, the anchors that could matter are read
 * from the CA file and the whole chain is verified with them. mbedTLS considers as a parent only
 * what has the child's issuer as its subject, so the result is the same as with all of the file in
 * memory; in Debian's system store that is 2 KB instead of 300 KB. */
#include "platform/clock.h"
#include "platform/mbedtls/pem.h"
#include "platform/mbedtls/session.h"

#include <mbedtls/asn1.h>
#include <stdio.h>
#include <time.h>

enum { ANCHORS_MAX = 8, CHAIN_MAX = 10, NAME_BYTES = 160 };

/* What the walk with the anchors found: the first certificate with a fault, from the top. */
struct verdict {
	const mbedtls_x509_crt *faulty;
	uint32_t faults;
};

static void skip(uint8_t **at, const uint8_t *end, int tag)
{
	size_t bytes = 0;

	if (mbedtls_asn1_get_tag(at, end, &bytes, tag) == 0)
		*at += bytes;
	else
		*at = (uint8_t *)(uintptr_t)end; /* what follows fails as well */
}

/* The subject of a certificate as it stands there (RFC 5280, 4.1): no need to parse the rest. */
static struct tg_view subject_of(struct tg_view der)
{
	const int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
	uint8_t *at = (uint8_t *)(uintptr_t)der.at;
	const uint8_t *end = at + der.bytes;
	size_t bytes = 0;

	if (mbedtls_asn1_get_tag(&at, end, &bytes, sequence) != 0 ||
	    mbedtls_asn1_get_tag(&at, end, &bytes, sequence) != 0)
		return tg_view_of(NULL, 0);
	end = at + bytes;
	if (at < end && *at == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED))
		skip(&at, end, *at);          /* version    */
	skip(&at, end, MBEDTLS_ASN1_INTEGER); /* serial     */
	skip(&at, end, sequence);             /* algorithm  */
	skip(&at, end, sequence);             /* issuer     */
	skip(&at, end, sequence);             /* validity   */
	const uint8_t *subject = at;
	skip(&at, end, sequence);
	return tg_view_of(subject, (size_t)(at - subject));
}

static bool issued_one_of(struct tg_view subject, const mbedtls_x509_crt *chain)
{
	unsigned count = 0;

	for (; chain != NULL && count < CHAIN_MAX; chain = chain->next, count++) {
		struct tg_view issuer = tg_view_of(chain->issuer_raw.p, chain->issuer_raw.len);
		if (subject.bytes > 0 && tg_view_same(issuer, subject))
			return true;
	}
	return false;
}

/* Parses those certificates of `path` that could have issued one of `chain`. How many, or an error.
 * A block that cannot be parsed is no anchor; the others still are. */
static int read_anchors(const char *path, const mbedtls_x509_crt *chain, mbedtls_x509_crt *anchors)
{
	struct tg_pem pem;
	struct tg_view der;
	int count = 0;
	int err = tg_pem_open(&pem, path);

	if (err != 0)
		return err;
	while (count < ANCHORS_MAX && (err = tg_pem_next(&pem)) == 1) {
		if (!tg_pem_is(&pem, "CERTIFICATE") || tg_pem_der(&pem, &der) != 0)
			continue;
		if (!issued_one_of(subject_of(der), chain))
			continue;
		if (mbedtls_x509_crt_parse_der(anchors, der.at, der.bytes) == 0)
			count++;
	}
	tg_pem_close(&pem);
	return err < 0 ? err : count;
}

static int note_fault(void *at, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct verdict *verdict = at;

	(void)depth;
	if (*flags != 0 && verdict->faults == 0) {
		verdict->faulty = crt;
		verdict->faults = *flags;
	}
	return 0;
}

void tg_tls_time_text(const mbedtls_x509_time *time, char text[TG_TLS_TIME_BYTES])
{
	snprintf(text, TG_TLS_TIME_BYTES, "%04d-%02d-%02d %02d:%02d:%02d UTC", time->year % 10000,
		 time->mon % 100, time->day % 100, time->hour % 100, time->min % 100,
		 time->sec % 100);
}

static void now_text(char text[TG_TLS_TIME_BYTES])
{
	time_t seconds = (time_t)(tg_clock_now().wall_ms / 1000);
	struct tm utc;

	text[0] = '\0';
	if (gmtime_r(&seconds, &utc) == NULL)
		return;
	tg_tls_time_text(&(mbedtls_x509_time){ utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
					       utc.tm_hour, utc.tm_min, utc.tm_sec },
			 text);
}

static void refuse(struct tg_tls *tls, const char *what, const char *todo)
{
	tls->refused = true;
	(void)tg_why_set(tls->why, TG_ERR_CERT, "the certificate of %s port %u %s: %s",
			 tg_net_host(tls->net), (unsigned)tg_net_port(tls->net), what, todo);
}

static void refuse_issuer(struct tg_tls *tls, const mbedtls_x509_crt *crt, int anchors)
{
	char name[NAME_BYTES], what[NAME_BYTES * 2 + 300];
	const char *ca_file = tls->credentials->ca_file;
	bool own = tg_view_same(tg_view_of(crt->issuer_raw.p, crt->issuer_raw.len),
				tg_view_of(crt->subject_raw.p, crt->subject_raw.len));

	if (mbedtls_x509_dn_gets(name, sizeof(name), &crt->issuer) < 0)
		snprintf(name, sizeof(name), "(a long name)");
	if (anchors > 0) {
		snprintf(what, sizeof(what),
			 "is not signed by the key of \"%s\" in %s, though it names it", name,
			 ca_file);
		refuse(tls, what,
		       "get the CA's current certificate (it was made anew, or this is "
		       "an impostor)");
	} else if (own) {
		snprintf(what, sizeof(what), "is self-signed (\"%s\") and not in %s", name,
			 ca_file);
		refuse(tls, what, "if you trust it, put it into a file and name that as ca_file");
	} else {
		snprintf(what, sizeof(what), "is issued by \"%s\", which is not in %s", name,
			 ca_file);
		refuse(tls, what, "name the file with that CA's certificate as ca_file");
	}
}

static void refuse_time(struct tg_tls *tls, const mbedtls_x509_crt *crt, bool past)
{
	char when[TG_TLS_TIME_BYTES], now[TG_TLS_TIME_BYTES], what[160];

	tg_tls_time_text(past ? &crt->valid_to : &crt->valid_from, when);
	now_text(now);
	snprintf(what, sizeof(what),
		 past ? "(or its issuer's) expired on %s, now it is %s"
		      : "(or its issuer's) is valid only from %s, now it is %s",
		 when, now);
	refuse(tls, what,
	       past ? "renew it, or set this machine's clock"
		    : "set this machine's clock, or wait");
}

static void explain(struct tg_tls *tls, const struct verdict *verdict, int anchors)
{
	const uint32_t weak = MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
			      MBEDTLS_X509_BADCERT_BAD_KEY;
	char what[80];

	if (verdict->faults & MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
		refuse_issuer(tls, verdict->faulty, anchors);
	} else if (verdict->faults & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)) {
		bool past = (verdict->faults & MBEDTLS_X509_BADCERT_EXPIRED) != 0;
		refuse_time(tls, verdict->faulty, past);
	} else if (verdict->faults & weak) {
		refuse(tls, "(or its issuer's) has a key or signature that is too weak",
		       "have it issued anew, with SHA-256 and P-256 or RSA of 2048 bits at least");
	} else {
		snprintf(what, sizeof(what), "is refused (mbedTLS flags 0x%x)",
			 (unsigned)verdict->faults);
		refuse(tls, what, "have it issued anew");
	}
}

static void refuse_name(struct tg_tls *tls, const mbedtls_x509_crt *crt)
{
	char names[NAME_BYTES], what[NAME_BYTES * 3];

	tg_tls_names_list(crt, names, sizeof(names));
	if (names[0] == '\0') {
		refuse(tls, "has no name in its subjectAltName (the common name is not used)",
		       "have it issued anew with one");
		return;
	}
	snprintf(what, sizeof(what), "is for %s, not for %.150s", names, tg_tls_peer_name(tls));
	refuse(tls, what, "dial one of these names, or set server_name");
}

/* All of the chain against the anchors, then the name. 0, or the flags to refuse with. */
static uint32_t check(struct tg_tls *tls, mbedtls_x509_crt *leaf)
{
	struct verdict verdict = { .faulty = leaf };
	mbedtls_x509_crt anchors;
	uint32_t flags = 0;

	mbedtls_x509_crt_init(&anchors);
	int found = read_anchors(tls->credentials->ca_file, leaf, &anchors);
	if (found < 0) {
		refuse(tls, "cannot be checked, because the CA file cannot be read",
		       tls->credentials->ca_file);
		flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
	} else if (mbedtls_x509_crt_verify(leaf, &anchors, NULL, NULL, &flags, note_fault,
					   &verdict) != 0) {
		explain(tls, &verdict, found);
		flags = flags == 0 ? MBEDTLS_X509_BADCERT_OTHER : flags;
	} else if (!tg_tls_name_matches(leaf, tg_tls_peer_name(tls))) {
		refuse_name(tls, leaf);
		flags = MBEDTLS_X509_BADCERT_CN_MISMATCH;
	}
	mbedtls_x509_crt_free(&anchors);
	return flags;
}

int tg_tls_verify(void *at, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct tg_tls *tls = at;

	*flags = 0;
	if (depth == 0) {
		tls->verified = true;
		*flags = check(tls, crt);
	}
	return 0;
}
