/* Well-formed UTF-8: The Unicode Standard, table 3-7. */

#include "utf8.h"

#include <string.h>

/* So many bytes are looked at together. */
#define STRETCH 64

static inline bool is_between(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* How long the character is that begins with a byte which is not ASCII, 0 where none does; what its second may be. */
static size_t length_of(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (is_between(first, 0xc2, 0xdf))
        return 2;
    if (is_between(first, 0xe0, 0xef))
        return 3;
    return is_between(first, 0xf0, 0xf4) ? 4 : 0;
}

/* Past a character that is not ASCII; NULL where it is not whole. */
static const unsigned char *past_character(const unsigned char *at, const unsigned char *end)
{
    unsigned char low, high;
    size_t length = length_of(*at, &low, &high);
    if (length == 0 || length > (size_t)(end - at) || !is_between(at[1], low, high))
        return NULL;
    for (size_t next = 2; next < length; next++)
        if (!is_between(at[next], 0x80, 0xbf))
            return NULL;
    return at + length;
}

bool utf8_is_valid(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    while (at && at < end) {
        if (end - at >= STRETCH && utf8_is_ascii((const char *)at, STRETCH))
            at += STRETCH;
        else
            at = *at < 0x80 ? at + 1 : past_character(at, end);
    }
    return at;
}
