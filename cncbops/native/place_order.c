#include "place_order.h"

#include "any_record.h"

/* Runs are in their order, each as long as can be. */

static Py_ssize_t run_end(const Placed *placed, Py_ssize_t start, Py_ssize_t count)
{
    Py_ssize_t at = start + 1;
    while (at < count && placed[at - 1].place <= placed[at].place)
        at++;
    return at;
}

/* Merges two runs, one behind the other; of one place, those of the first stay first. */
static void merge(const Placed *one, const Placed *one_end, const Placed *end, Placed *to)
{
    const Placed *other = one_end;
    while (one < one_end && other < end)
        *to++ = other->place < one->place ? *other++ : *one++;
    memcpy(to, one, (one_end - one) * sizeof(*one));
    memcpy(to + (one_end - one), other, (end - other) * sizeof(*other));
}

/* Merges every two runs; returns how many there are then. */
static Py_ssize_t merge_runs(const Placed *from, Py_ssize_t count, Placed *to)
{
    Py_ssize_t runs = 0;
    for (Py_ssize_t start = 0, end; start < count; start = end, runs++) {
        Py_ssize_t middle = run_end(from, start, count);
        end = middle < count ? run_end(from, middle, count) : count;
        merge(from + start, from + middle, from + end, to + start);
    }
    return runs;
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

bool stretches_add(Stretches *all, PyObject *records, Py_ssize_t start, Py_ssize_t end)
{
    if (start < end && !make_room(all, end - start))
        return false;
    for (Py_ssize_t at = start; at < end; at++) {
        if (at >= PyList_GET_SIZE(records))
            return PyErr_SetString(PyExc_RuntimeError, "a list became shorter while it was read"), false;
        PyObject *record = Py_NewRef(PyList_GET_ITEM(records, at));
        all->placed[all->count++] = (Placed){record, record_place(record)};
        if (PyErr_Occurred())
            return false;
    }
    return true;
}

long long stretches_last(const Stretches *all)
{
    return all->placed[all->count - 1].place;
}

bool stretches_sort(Stretches *all)
{
    Placed *other = PyMem_New(Placed, all->count);
    if (!other)
        return PyErr_NoMemory(), false;
    Py_ssize_t runs = all->count;
    while (runs > 1) {
        runs = merge_runs(all->placed, all->count, other);
        Placed *merged = other;
        other = all->placed;
        all->placed = merged;
        all->room = all->count;
    }
    PyMem_Free(other);
    return true;
}

PyObject *stretches_list(const Stretches *all)
{
    PyObject *records = PyList_New(all->count);
    for (Py_ssize_t at = 0; records && at < all->count; at++)
        PyList_SET_ITEM(records, at, Py_NewRef(all->placed[at].record));
    return records;
}

void stretches_release(Stretches *all)
{
    while (all->count)
        Py_DECREF(all->placed[--all->count].record);
    PyMem_Free(all->placed);
}
