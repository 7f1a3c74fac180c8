#ifndef CNCBOPS_UTF8_H
#define CNCBOPS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether no byte begins, or is in, another character than one of ASCII. */
static inline bool utf8_is_ascii(const char *text, size_t length)
{
    unsigned char all = 0;
    for (size_t at = 0; at < length; at++)
        all |= (unsigned char)text[at];
    return all < 0x80;
}

/* Past a character that is not ASCII; NULL where it is not one as Python decodes it: whole, no longer than it need be,
   no surrogate. */
const char *utf8_past(const char *at, const char *end);

#endif
