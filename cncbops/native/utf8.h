#ifndef CNCBOPS_UTF8_H
#define CNCBOPS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether some bytes are UTF-8 as Python decodes it: no character longer than it need be, no surrogates. */
bool utf8_is_valid(const char *text, size_t length);

#endif
