/* Memory of what comes and goes by thousands and is too large for Python's own pieces: some that is given back is kept
   for what is next made of that size. The C library searches, splits and joins for each. */

#ifndef CNCBOPS_KEPT_MEMORY_H
#define CNCBOPS_KEPT_MEMORY_H

#include <stddef.h>

/* Memory for an object; NULL with no exception set where there is none. */
void *kept_memory_take(size_t bytes);

/* Takes it back: `bytes` are those it was taken for. */
void kept_memory_give_back(void *memory, size_t bytes);

#endif
