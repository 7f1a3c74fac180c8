/* The JSON of a record that is written when it is sent: until then a record holds its event, which is half as long. */

#ifndef CNCBOPS_UNWRITTEN_H
#define CNCBOPS_UNWRITTEN_H

#include "line.h"

/* What it is made of: `name` is bytes, and held; of the texts, those of `event` may be any bytes. */
typedef struct {
    Text key, sequence, shard, event;
    long long arrival_ms;
    PyObject *name;
} Parts;

extern PyTypeObject unwritten_type;

/* One of such parts; NULL with no exception set where they are not usual. */
PyObject *unwritten_of(const Parts *parts);

/* The length of a body, which is bytes or unwritten; -1 with an exception set. */
Py_ssize_t body_length(PyObject *body);

/* Writes a body, of which the length was asked before; returns the place behind it. */
char *put_body(char *to, PyObject *body);

#endif
