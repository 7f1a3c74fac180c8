/* The libcrypto that Python has loaded for its hashlib, called without any object of Python between.

   It is looked for once, behind the module that depends on it, so that nothing is needed to compile or to link this.
   It is not found where Python has it built in, or has none. */

#ifndef CNCBOPS_LIBCRYPTO_H
#define CNCBOPS_LIBCRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

/* To be called once. */
void prepare_libcrypto(void);

/* The SHA-256 of some pieces as one text; false where it is not found or fails. */
bool libcrypto_sha256(const Slice *pieces, size_t count, unsigned char *digest);

#endif
