/* One text for nearly all messages of one shape (see `cncbops.faults.shape`): ids and numbers are alike in it. */

#ifndef CNCBOPS_ALIKE_H
#define CNCBOPS_ALIKE_H

#include "line.h"

/* Writes a text of the same shape, and as long, over what `to` has room for. */
void write_alike(Text text, char *to);

#endif
