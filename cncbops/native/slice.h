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

#endif
