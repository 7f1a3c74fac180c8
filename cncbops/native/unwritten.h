/* The JSON of a record that is written when it is sent: until then a record holds its event, which is half as long. */

#ifndef CNCBOPS_UNWRITTEN_H
#define CNCBOPS_UNWRITTEN_H

#include "native.h"

/* What it is made of, but for `arrival`, in milliseconds. */
enum { KEY, SEQUENCE, SHARD, DATA, NAME, PARTS };

extern PyTypeObject unwritten_type;

/* One of such parts; NULL with no exception set where they are not usual. */
PyObject *unwritten_of(PyObject *const *parts, PyObject *arrival);

#endif
