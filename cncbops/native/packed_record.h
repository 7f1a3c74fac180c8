/* A packed Kinesis record of an event, whose JSON is written when it is asked for. */

#ifndef CNCBOPS_PACKED_RECORD_H
#define CNCBOPS_PACKED_RECORD_H

#include "packed.h"

/* The body is the event, which may be any bytes; the kind's own text is made of when it arrived. */
typedef struct {
    Parts head;
    long long arrival_ms;
} RecordParts;

extern PyTypeObject packed_record_type;

/* To be called once, before any is packed; false with an exception set. */
bool prepare_packed_records(void);

/* What those of one shard have in common, whose JSON ends with the same name, which is bytes; as `common_of`. */
Common *record_common_of(PyObject *make, PyObject *object, PyObject *shard, PyObject *name);

/* Packs a record; NULL with no exception set where its time is not usual. */
PyObject *packed_record_of(Common *common, const RecordParts *parts);

/* Whether its own texts, and the size of its JSON, are what its fields say. */
bool packed_record_is_sound(const Packed *one);

/* Writes its JSON; returns the place behind it. */
char *packed_record_write(char *to, const Packed *one);

#endif
