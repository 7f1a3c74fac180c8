/* OpenSSL's SHA-256 by itself, where Python has loaded it: that of hashlib takes twice as long for a text of 1 KB. */

#ifndef CNCBOPS_OPENSSL_H
#define CNCBOPS_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

#define SHA256_BYTES 32

/* To be called once, with Python's hashlib imported. */
void openssl_prepare(void);

/* The digest of some pieces as one text; false where there is no such OpenSSL. */
bool openssl_sha256(const Slice *pieces, size_t count, unsigned char *digest);

#endif
