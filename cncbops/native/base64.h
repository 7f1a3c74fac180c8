#ifndef CNCBOPS_BASE64_H
#define CNCBOPS_BASE64_H

#include <stddef.h>

/* How many characters some bytes become. */
size_t base64_length(size_t bytes);

/* Writes the characters of some bytes; returns the place behind them. */
char *base64_write(char *to, const unsigned char *from, size_t length);

/* To be called once, before anything is written. */
void base64_prepare(void);

#endif
