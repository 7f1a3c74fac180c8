/* Base64 (RFC 4648, section 4), twelve bits at a time: twice as fast as six. */

#include "base64.h"

#include <stdint.h>
#include <string.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char pairs[4096][2];

void base64_prepare(void)
{
    for (int bits = 0; bits < 4096; bits++) {
        pairs[bits][0] = ALPHABET[bits >> 6];
        pairs[bits][1] = ALPHABET[bits & 63];
    }
}

size_t base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

static inline char *write_pair(char *to, unsigned int bits)
{
    memcpy(to, pairs[bits & 4095], 2);
    return to + 2;
}

static inline char *write_three(char *to, unsigned int first, unsigned int second, unsigned int third)
{
    to = write_pair(to, first << 4 | second >> 4);
    return write_pair(to, second << 8 | third);
}

/* Six of the eight bytes at a place. */
static inline char *write_six(char *to, const unsigned char *from)
{
    uint64_t bits = 0;
    for (int at = 0; at < 8; at++)
        bits = bits << 8 | from[at];
    for (int shift = 52; shift >= 16; shift -= 12)
        to = write_pair(to, (unsigned int)(bits >> shift));
    return to;
}

char *base64_write(char *to, const unsigned char *from, size_t length)
{
    for (; length >= 8; length -= 6, from += 6)
        to = write_six(to, from);
    for (; length >= 3; length -= 3, from += 3)
        to = write_three(to, from[0], from[1], from[2]);
    if (length) {
        to = write_three(to, from[0], length == 2 ? from[1] : 0, 0);
        memset(to - (3 - length), '=', 3 - length);
    }
    return to;
}
