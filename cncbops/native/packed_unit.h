/* A packed unit of work: a fault's one Kinesis record, whose JSON is kept as the fault holds it. */

#ifndef CNCBOPS_PACKED_UNIT_H
#define CNCBOPS_PACKED_UNIT_H

#include "packed.h"

/* What tells a fault, and its record, from all others (see digests.h). */
typedef struct {
    unsigned char fault[DIGEST_BYTES], record[DIGEST_BYTES];
} Digests;

/* The body is the record's JSON, the kind's own text the failed event's type. `has_id`: the id is the fault's, not the
   record's. The message is the fault's, if it has not its Cause's. */
typedef struct {
    Parts head;
    Digests digests;
    long long time_ms;
    bool has_id;
} UnitParts;

extern PyTypeObject packed_unit_type;

/* To be called once, before any is packed; false with an exception set. */
bool prepare_packed_units(void);

/* Packs a unit, of whose `common` what is their own is the Cause (see `cncbops.session.causes`); NULL with an exception
   set. */
PyObject *packed_unit_of(Common *common, const UnitParts *parts);

static inline bool is_packed_unit(PyObject *record)
{
    return Py_TYPE(record) == &packed_unit_type;
}

/* Whether all of a tuple are such. */
bool are_packed_units(PyObject *records);

/* A new tuple of units; NULL with an exception set, as where one is not packed. */
PyObject *packed_units_of(PyObject *given);

/* What else is known of its fault; the id starts nowhere where that has none, the message where it has its Cause's. */
Text packed_unit_type_of(const Packed *one);
long long packed_unit_time(const Packed *one);
Text packed_unit_fault_id(const Packed *one);
Text packed_unit_message(const Packed *one);
const Digests *packed_unit_digests(const Packed *one);

/* A new tuple of its fault's fingerprint and pipeline; NULL with an exception set. */
PyObject *packed_unit_group(const Packed *one);

/* Whether its size is that of its body. */
bool packed_unit_is_sound(const Packed *one);

/* Writes its JSON; returns the place behind it. */
char *packed_unit_write(char *to, const Packed *one);

#endif
