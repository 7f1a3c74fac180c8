#ifndef CNCBOPS_SLICE_H
#define CNCBOPS_SLICE_H

#include <stddef.h>

/* Text from `start` to before `end`; NULL where there is none. */
typedef struct {
    const char *start;
    const char *end;
} Slice;

static inline ptrdiff_t slice_length(Slice slice)
{
    return slice.end - slice.start;
}

/* A JSON string without its quotes; what is nowhere stays so. */
static inline Slice slice_unquoted(Slice text)
{
    return text.start ? (Slice){text.start + 1, text.end - 1} : text;
}

#endif
