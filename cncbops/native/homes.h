/* Where records go, by their function and a text: their key, or their group. */

#ifndef CNCBOPS_HOMES_H
#define CNCBOPS_HOMES_H

#include <stdint.h>

#include "line.h"

/* `text` lies in what `holder` is. */
typedef struct {
    PyObject *function, *holder;
    Text text;
} Sought;

/* `list` is NULL where nothing is. */
typedef struct {
    uint64_t hash;
    Sought of;
    PyObject *list;
} Home;

/* Begins with zeros. */
typedef struct {
    Home *slots;
    size_t capacity, count;
} Homes;

/* The list that is there, borrowed; NULL where there is none, and with an exception set. */
PyObject *homes_find(const Homes *homes, const Sought *sought);

/* Puts a list where there is none; false with an exception set. */
bool homes_add(Homes *homes, const Sought *sought, PyObject *list);

void homes_release(Homes *homes);

#endif
