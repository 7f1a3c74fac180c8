/* A record in the making: what `cncbops.kinesis` fills in, and wraps, of what a line says of an event. */

#ifndef CNCBOPS_DRAFT_H
#define CNCBOPS_DRAFT_H

#include "packed.h"

enum { SHARDS = 16 };

/* The last name that was asked for, and of what. */
typedef struct {
    Text stream, region, account;
    PyObject *bytes;
} Name;

/* What the records of one object have in common: the object, digits in its order, its time, the shard of those that
   name none, and what is asked for names. `make` is Record. Those of a shard are held together. */
typedef struct {
    PyObject *make, *object, *order, *shard, *name_of;
    long long time_ms;
    Name name;
    Common *of_shard[SHARDS];
} Maker;

/* `sequence` is one that is made up; `time_ms` is when the event happened. `is_synthesized`: its key or sequence number
   is made up. */
typedef struct {
    Parts parts;
    Common *common;
    PyObject *sequence;
    long long time_ms;
    bool is_synthesized;
} Draft;

/* Each of these returns false, or NULL, with an exception set, or without one where an event is not usual. */

bool draft_set_times(Draft *draft, const Maker *maker, const Found *found);

/* The record of an event in a line, whose times are set. */
PyObject *draft_record(Draft *draft, Maker *maker, Py_ssize_t line, long long place, const Found *found);

void maker_release(Maker *maker);

#endif
