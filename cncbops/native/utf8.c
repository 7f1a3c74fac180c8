/* Well-formed UTF-8: The Unicode Standard, table 3-7. */

#include "utf8.h"

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

const char *utf8_past(const char *at, const char *end)
{
    const unsigned char *bytes = (const unsigned char *)at;
    unsigned char low, high;
    size_t length = length_of(*bytes, &low, &high);
    if (length == 0 || length > (size_t)(end - at) || !is_between(bytes[1], low, high))
        return NULL;
    for (size_t next = 2; next < length; next++)
        if (!is_between(bytes[next], 0x80, 0xbf))
            return NULL;
    return at + length;
}
