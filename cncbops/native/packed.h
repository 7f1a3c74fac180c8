/* A record whose texts lie in one piece of memory: its fields, and its JSON, are made when they are asked for.

   To Python it is like the Record that it stands for (see `cncbops.kinesis.record`), in an eighth of the objects. */

#ifndef CNCBOPS_PACKED_H
#define CNCBOPS_PACKED_H

#include "record_json.h"

/* What records of one shard of an object have in common: what makes Records, where they come from, and how their JSON
   ends. `shard` is the text of `group`. */
typedef struct {
    Py_ssize_t holders;
    PyObject *make, *object, *group, *name;
    Text shard;
} Common;

/* With one holder; NULL with an exception set. `name` is bytes. */
Common *common_of(PyObject *make, PyObject *object, PyObject *group, PyObject *name);
void common_release(Common *common);

/* What differs: `event` may be any bytes, and `id` may start nowhere. */
typedef struct {
    Text key, sequence, id, event;
    long long arrival_ms, place;
    Py_ssize_t line, part;
} Parts;

extern PyTypeObject packed_type;

/* To be called once, before any is packed; false with an exception set. */
bool prepare_packed(void);

/* Packs a record; NULL with no exception set where its time is not usual. */
PyObject *packed_of(Common *common, const Parts *parts);

/* Of a packed record: the size of its JSON, which can be written, its place, and what is made of its key. */
Py_ssize_t packed_size(PyObject *record);
char *packed_write(char *to, PyObject *record);
long long packed_place(PyObject *record);
PyObject *packed_key(PyObject *record);
PyObject *packed_group(PyObject *record);

#endif
