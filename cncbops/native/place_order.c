/* The records of some stretches of shelves, in the order of their places, as `cncbops.kinesis.shelves` has it. */

#include "native.h"

#include <stdlib.h>

#include "any_record.h"

/* `index` is where it was found: those of one place stay in that order. */
typedef struct {
    PyObject *record;
    long long place;
    Py_ssize_t index;
} Placed;

typedef struct {
    Placed *placed;
    Py_ssize_t count, room;
} Stretches;

static PyObject *records_name;

bool prepare_in_order(void)
{
    return (records_name = PyUnicode_InternFromString("records"));
}

static int compare(const void *one, const void *other)
{
    const Placed *left = one, *right = other;
    if (left->place != right->place)
        return left->place < right->place ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Each of the following returns false, or NULL, with an exception set. */

static bool make_room(Stretches *all, Py_ssize_t more)
{
    if (more <= all->room - all->count)
        return true;
    Py_ssize_t room = 2 * (all->count + more);
    Placed *placed = PyMem_Realloc(all->placed, room * sizeof(*placed));
    if (!placed)
        return PyErr_NoMemory(), false;
    all->placed = placed;
    all->room = room;
    return true;
}

static bool add_stretch(Stretches *all, PyObject *records, Py_ssize_t start, Py_ssize_t end)
{
    Py_ssize_t count = PyList_GET_SIZE(records);
    start = start < 0 ? 0 : start;
    end = end > count ? count : end;
    if (start < end && !make_room(all, end - start))
        return false;
    for (Py_ssize_t at = start; at < end; at++) {
        fetch_ahead(PySequence_Fast_ITEMS(records), at, end);
        all->placed[all->count] = (Placed){Py_NewRef(PyList_GET_ITEM(records, at)), 0, all->count};
        all->count++;
    }
    return true;
}

static bool add_part(Stretches *all, PyObject *part)
{
    PyObject *shelf;
    Py_ssize_t start, end;
    if (!PyTuple_Check(part)) {
        PyErr_SetString(PyExc_TypeError, "a part is a tuple");
        return false;
    }
    if (!PyArg_ParseTuple(part, "Onn", &shelf, &start, &end))
        return false;
    PyObject *records = PyObject_GetAttr(shelf, records_name);
    bool is_list = records && PyList_Check(records);
    if (records && !is_list)
        PyErr_SetString(PyExc_TypeError, "a shelf has a list of records");
    bool is_added = is_list && add_stretch(all, records, start, end);
    Py_XDECREF(records);
    return is_added;
}

/* Those of one part are in their order. */
static bool sort(Stretches *all, bool is_sorted)
{
    for (Py_ssize_t at = 0; !is_sorted && at < all->count; at++) {
        all->placed[at].place = record_place(all->placed[at].record);
        if (PyErr_Occurred())
            return false;
    }
    if (!is_sorted && all->count)
        qsort(all->placed, all->count, sizeof(*all->placed), compare);
    return true;
}

static PyObject *taken_in_order(Stretches *all, PyObject *parts)
{
    for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(parts); at++)
        if (!add_part(all, PyTuple_GET_ITEM(parts, at)))
            return NULL;
    PyObject *records = sort(all, PyTuple_GET_SIZE(parts) == 1) ? PyList_New(all->count) : NULL;
    for (Py_ssize_t at = 0; records && at < all->count; at++)
        PyList_SET_ITEM(records, at, Py_NewRef(all->placed[at].record));
    return records;
}

PyObject *in_order(PyObject *Py_UNUSED(module), PyObject *given)
{
    PyObject *parts = PySequence_Tuple(given);
    Stretches all = {NULL, 0, 0};
    PyObject *records = parts ? taken_in_order(&all, parts) : NULL;
    while (all.count)
        Py_DECREF(all.placed[--all.count].record);
    PyMem_Free(all.placed);
    Py_XDECREF(parts);
    return records;
}
