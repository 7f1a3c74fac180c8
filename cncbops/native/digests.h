/* What tells a fault, and its record, from all others: what `cncbops.faults.identity` makes of them. */

#ifndef CNCBOPS_DIGESTS_H
#define CNCBOPS_DIGESTS_H

#include "native.h"

#include "fault_lines.h"

/* The digest of a fault of a function known as that, which says that of its error. `sha256` is that of hashlib. NULL
   with an exception set where it fails. */
PyObject *fault_digest(PyObject *sha256, Slice known_as, Slice said, const FaultLine *line);

/* The same of its record. */
PyObject *record_digest(PyObject *sha256, Slice known_as, const FaultLine *line);

/* To be called once, before these; false with an exception set. */
bool prepare_digests(void);

#endif
