/* A record in the making: what `cncbops.kinesis` fills in, and wraps, of what a line says of an event. */

#ifndef CNCBOPS_DRAFT_H
#define CNCBOPS_DRAFT_H

#include "unwritten.h"

enum { SHARDS = 16 };

/* The last name that was asked for, and of what. */
typedef struct {
    Text stream, region, account;
    PyObject *bytes;
} Name;

/* What the records of one object have in common: the object, digits in its order, its time, the shard of those that
   name none, and what is asked for names. `make` is Record. `shards` are held that events named. */
typedef struct {
    PyObject *make, *object, *order, *shard, *name_of;
    long long time_ms;
    Name name;
    PyObject *shards[SHARDS];
} Maker;

/* `parts` are texts, the first of them objects as well; `time_ms` is when the event happened. `is_synthesized`: its key
   or sequence number is made up. */
typedef struct {
    PyObject *key, *sequence, *id, *shard;
    Parts parts;
    long long time_ms;
    bool is_synthesized;
} Draft;

/* Each of these returns false, or NULL, with an exception set, or without one where an event is not usual. */

bool draft_set_times(Draft *draft, const Maker *maker, const Found *found);

/* All but the times, of an event in a line. */
bool draft_fill(Draft *draft, Maker *maker, Py_ssize_t line, const Found *found);

/* The record of a draft that is filled; sets the length of its body. */
PyObject *draft_record(const Draft *draft, const Maker *maker, Py_ssize_t line, long long place, Py_ssize_t *length);

void draft_release(Draft *draft);
void maker_release(Maker *maker);

#endif
