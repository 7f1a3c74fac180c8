#ifndef CNCBOPS_SHA256_H
#define CNCBOPS_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

enum { SHA256_BYTES = 32 };

/* To be called once, before `sha256_of`; false with an exception set. */
bool prepare_sha256(void);

/* The SHA-256 of some pieces as one text; false with an exception set. */
bool sha256_of(const Slice *pieces, size_t count, unsigned char *digest);

/* Writes some bytes as twice as many digits, with no end to them. */
void write_hexadecimal(const unsigned char *bytes, size_t count, char *to);

#endif
