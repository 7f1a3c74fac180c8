/* Which characters of ASCII there are. */

#ifndef CNCBOPS_ASCII_H
#define CNCBOPS_ASCII_H

#include <stdbool.h>

static inline bool is_ascii(char byte)
{
    return (unsigned char)byte < 0x80;
}

static inline bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static inline bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Of a hexadecimal number. */
static inline bool is_hex(char byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

#endif
