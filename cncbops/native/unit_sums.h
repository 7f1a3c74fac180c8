/* What many packed units come to: how many there are of each cause, type and hour, their bytes, and what tells them. */

#ifndef CNCBOPS_UNIT_SUMS_H
#define CNCBOPS_UNIT_SUMS_H

#include "native.h"

#include "counts.h"
#include "packed_unit.h"

/* Units of one Cause: the first of them, how many, and when the first and the last of their faults were raised. */
typedef struct {
    const Packed *first;
    Py_ssize_t count;
    long long first_ms, last_ms;
} OfCause;

/* `causes` are in the order in which they came; `index` has where each is. `digests` are of so many faults, end to end,
   with room for more. */
typedef struct {
    OfCause *causes;
    Py_ssize_t count, room;
    PyObject *index, *digests;
    Py_ssize_t faults, bytes;
    Kinds kinds;
    Hours hours;
} UnitSums;

/* Each of these returns false, or NULL, with an exception set. */

/* Of so many units, or more. To be released in any case. */
bool unit_sums_begin(UnitSums *sums, Py_ssize_t units);

/* Adds a unit, which must stay until the sums are told. */
bool unit_sums_add(UnitSums *sums, const Packed *unit);

/* All of it, as `Sums` in `cncbops.session.usual_units` has it; nothing can be added any more. */
PyObject *unit_sums_told(UnitSums *sums);

void unit_sums_release(UnitSums *sums);

#endif
