/* How many events there are of each type, and in each hour. */

#ifndef CNCBOPS_COUNTS_H
#define CNCBOPS_COUNTS_H

#include "line.h"

enum { KINDS = 64 };

/* A type, None where events have none, and how many events of it are counted, but not yet among the counts. */
typedef struct {
    PyObject *type;
    Text text;
    Py_ssize_t count;
    bool is_wanted, is_among_counts;
} Kind;

/* `counts` has the types in the order in which they came. Of those whose texts share a place, the last is at hand. */
typedef struct {
    PyObject *is_wanted;
    PyObject *counts;
    Kind at_hand[KINDS];
} Kinds;

/* Hours since 1970, and the first and last moment in ms; what is in the hour from `hour_ms` is not yet counted. */
typedef struct {
    PyObject *counts;
    long long hour_ms, first_ms, last_ms;
    Py_ssize_t count;
} Hours;

/* Each of these returns false, or NULL, with an exception set. */

/* Adds to the count of a key, which may be none so far. */
bool count_more(PyObject *counts, PyObject *key, Py_ssize_t more);

/* `is_wanted`, a Python function, is there already, unless all are wanted. */
bool kinds_begin(Kinds *kinds);
bool hours_begin(Hours *hours);

/* The kind of a type, which may start nowhere. */
Kind *kind_of(Kinds *kinds, Text type);

bool kinds_count(Kinds *kinds, Kind *kind);
bool hours_count(Hours *hours, long long ms);

/* All that was counted is now among the counts. */
bool kinds_finish(Kinds *kinds);
bool hours_finish(Hours *hours);

/* The first and the last moment that was counted; None where none was. */
PyObject *hours_range(const Hours *hours);

void kinds_release(Kinds *kinds);
void hours_release(Hours *hours);

#endif
