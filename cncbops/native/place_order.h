/* The records of some stretches of lists, in the order of their places. */

#ifndef CNCBOPS_PLACE_ORDER_H
#define CNCBOPS_PLACE_ORDER_H

#include "native.h"

typedef struct {
    PyObject *record;
    long long place;
} Placed;

/* Begins with zeros. */
typedef struct {
    Placed *placed;
    Py_ssize_t count, room;
} Stretches;

/* Each of these returns false, or NULL, with an exception set. */

/* Adds what a list has from `start` to before `end`. */
bool stretches_add(Stretches *all, PyObject *records, Py_ssize_t start, Py_ssize_t end);

/* The place of the one that was added last. */
long long stretches_last(const Stretches *all);

/* Those of one place stay in the order in which they are. */
bool stretches_sort(Stretches *all);

/* All of them. */
PyObject *stretches_list(const Stretches *all);

void stretches_release(Stretches *all);

#endif
