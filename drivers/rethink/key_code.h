/* key_code.h - the bytes of an encoded key; for key*.c only.
 *
 *      key    = value tail
 *      value  = FALSE | TRUE | NUMBER number | TIME number | UUID 16 bytes | STRING bytes
 *             | BINARY bytes (both up to the end, where alone) | ARRAY value ... END
 *      number = head digits stop    head: 2 bytes, sign and place of the point, 8000 is zero
 *                                   digits: two a byte, plus 1; stop: 00
 *                                   below zero every byte of it is turned over
 *      inside an array, strings and BINARY write 00 as 00 FF, end with 00; a UUID is a string
 *      tail   = { leaf, bytes, text } ...   how an unusual leaf was spelled: a TIME's zone, -0.0
 *
 * Leaves are counted through the key: a number is one, a TIME two (epoch, zone), the rest none.
 */
#ifndef TG_DRIVERS_RETHINK_KEY_CODE_H
#define TG_DRIVERS_RETHINK_KEY_CODE_H

enum tg_key_tag {
	TG_KEY_END = 0x00,
	TG_KEY_ARRAY = 0x10,
	TG_KEY_FALSE = 0x20,
	TG_KEY_TRUE = 0x21,
	TG_KEY_NUMBER = 0x30,
	TG_KEY_BINARY = 0x40,
	TG_KEY_TIME = 0x50,
	TG_KEY_UUID = 0x60,
	TG_KEY_STRING = 0x61,
};

enum {
	TG_KEY_UUID_BYTES = 16,
	TG_KEY_UUID_TEXT_BYTES = 36,
	TG_KEY_NUMBER_ZERO = 0x8000,
	TG_KEY_NUMBER_ABOVE = 0xc000,  /* + point: the head of a number above zero */
	TG_KEY_BINARY_BYTES_MAX = 512, /* the server takes 120 */
	TG_KEY_TAIL_BYTES_MAX = 512,
};

/* The 36 characters of a UUID (RFC 9562, section 4), lower case. */
void tg_key_uuid_text(const uint8_t uuid[TG_KEY_UUID_BYTES], char at[TG_KEY_UUID_TEXT_BYTES]);

#endif
